#include "evaluation/report/report.h"

#include "evaluation/report/markup.h"
#include "evaluation/report/page.h"
#include "evaluation/report/sections.h"
#include "evaluation/verdict.h"
#include "fmt/format.h"

namespace tributary {
namespace {

std::string Heading(std::string_view title, std::string_view note) {
  std::string markup = fmt::format("<h2>{}</h2>\n", Escape(title));
  if (!note.empty()) {
    markup += fmt::format("<p class=note>{}</p>\n", Escape(note));
  }
  return markup;
}

std::string Plots(const std::string& figures) {
  return "<div class=plots>" + figures + "</div>\n";
}

std::string Tile(const std::string& value, std::string_view name) {
  return fmt::format("<div><b>{}</b><span>{}</span></div>", Escape(value),
                     Escape(name));
}

std::string Verdict(const ReportInput& input) {
  const std::string sentence = VerdictSentence(input.evaluation, input.rivals);
  return sentence.empty()
             ? ""
             : fmt::format("<p class=verdict>{}</p>", Escape(sentence));
}

std::string Summary(const ReportInput& input) {
  const Evaluation& evaluation = input.evaluation;
  const v1::Manifest& manifest = input.bundle.manifest();
  std::string tiles;
  for (size_t k = 0; k < evaluation.ks.size(); ++k) {
    tiles += Tile(fmt::format("{:.4f}", evaluation.lists[0].at[k][0].mean),
                  fmt::format("recall@{}", evaluation.ks[k]));
  }
  return fmt::format(
             "<h1>Bundle {}</h1><p class=note>Built from {}; {} items, {} "
             "users. Judged on {}: {} interactions of {} users that it was "
             "made without.</p>",
             manifest.version(), Escape(manifest.builder().data()),
             manifest.items().count(), manifest.users().count(),
             Escape(input.test_name), evaluation.held_out_interactions,
             evaluation.users) +
         (input.filter.empty()
              ? ""
              : fmt::format("<p class=note>Measured under the filter <code>{}"
                            "</code>: of items that pass it, on test items "
                            "that do.</p>",
                            Escape(input.filter))) +
         (input.shape.empty()
              ? ""
              : fmt::format("<p class=note>Every list has <code>{}</code>.</p>",
                            Escape(input.shape))) +
         Verdict(input) + "<div class=tiles>" + tiles + "</div>";
}

std::string Quotas(const Evaluation& evaluation, const SeriesColors& colors) {
  const std::string plots = QuotaPlots(evaluation, colors);
  return plots.empty() ? "" : Heading("Quotas", "") + Plots(plots);
}

std::string Maps(const ReportInput& input) {
  std::string maps;
  for (const EmbeddingSpace& space : input.bundle.spaces()) {
    maps += ItemMaps(input.bundle, space, input.groups, input.threads);
  }
  return maps;
}

std::string UsedOfLists(const GivenListsCounts& counts) {
  return fmt::format(
      "<p class=note>{} of {} test users have no list there, and a recall of "
      "0. "
      "{} of {} items are unknown. {} of {} entries are of items that the user "
      "already had, which this bundle's lists leave out.</p>",
      counts.test_users_without_list, counts.test_users, counts.unknown_items,
      counts.items, counts.seen_entries, counts.entries);
}

std::string Against(const ReportInput& input) {
  std::string markup;
  for (const Rival& rival : input.rivals) {
    markup +=
        Heading("Against " + rival.name,
                "This bundle minus the other, for the same users. p is the "
                "probability of a difference as large by chance (paired "
                "randomisation test; not corrected for the number of rows).");
    if (rival.counts) markup += UsedOfLists(*rival.counts);
    markup += AgainstTable(input.evaluation, rival);
  }
  return markup;
}

std::string Tables(const Evaluation& evaluation) {
  return Heading("What each source means",
                 "Lost @k is the recall that the fused list loses when this "
                 "source gives nothing, with 95% confidence intervals. In "
                 "common: items in both / items in either of two sources' "
                 "lists.") +
         SourcesTable(evaluation) + OverlapTable(evaluation) +
         Heading("All metrics",
                 "Means over users with 95% confidence intervals.") +
         MetricsTable(evaluation) +
         Heading(
             "Lists",
             "Coverage: share of the catalogue, under a filter of the items "
             "that pass, that is shown to anybody. "
             "Gini: 0 when all items are shown equally often. Novelty: "
             "mean self-information. Diversity: 1 - mean cosine within a "
             "list.") +
         ListsTable(evaluation) +
         Heading("Segments",
                 "Users by their history; items by popularity: head, mid and "
                 "tail have a third of the interactions each.") +
         SegmentsTables(evaluation) +
         Heading(
             "Among sampled items",
             "Each test item is ranked among 100 or 1000 others; the figures "
             "are expectations over the draw. They are biased: they can "
             "order two recommenders the other way than metrics of the whole "
             "catalogue (Krichene and Rendle 2020). For comparison with papers "
             "only.") +
         SampledTable(evaluation);
}

}  // namespace

std::string ReportHtml(const ReportInput& input) {
  const Evaluation& evaluation = input.evaluation;
  const SeriesColors colors(evaluation, input.bundle, input.rivals);
  return std::string(PageHead()) + Summary(input) +
         Plots(RecallPlot(evaluation, input.rivals, colors) +
               LatencyPlot(evaluation)) +
         Against(input) + ExampleUsers(input) + Quotas(evaluation, colors) +
         Tables(evaluation) + Heading("Training", "") +
         Plots(TrainingPlots(input.bundle, colors)) + Heading("Items", "") +
         Plots(Maps(input)) + std::string(PageFoot());
}

}  // namespace tributary
