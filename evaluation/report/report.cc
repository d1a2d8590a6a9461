#include "evaluation/report/report.h"

#include "evaluation/report/markup.h"
#include "evaluation/report/sections.h"
#include "fmt/format.h"

namespace tributary {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name=viewport content="width=device-width, initial-scale=1">
<title>Tributary: evaluation</title>
<style>
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1c2430; --soft: #5d6875; --rule: #e3e7ec;
  --c0: #1f5fd0; --c1: #d1560f; --c2: #1b8a5a; --c3: #9440b8;
  --c4: #a87b00; --c5: #0b8796; --c6: #c93370; --c7: #8a929c; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12161c; --ink: #e6eaf0; --soft: #9aa5b2; --rule: #29313b;
  --c0: #6ea3ff; --c1: #ff9a57; --c2: #4fce95; --c3: #cf8cf0;
  --c4: #e3b93c; --c5: #43cbdb; --c6: #ff7fae; --c7: #8b95a1; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 32px 24px 64px; max-width: 1220px;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 44px 0 8px }
p { margin: 6px 0; max-width: 75ch } .note { color: var(--soft); font-size: 14px }
.tiles { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 18px 0 }
.tiles b { display: block; font-size: 26px; line-height: 1.2 }
.tiles span { color: var(--soft); font-size: 13px }
.plots { display: grid; gap: 28px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)) }
figure { margin: 0; min-width: 0 } svg { display: block; width: 100%; height: auto }
figcaption { color: var(--soft); font-size: 13px; margin-top: 6px }
.grid { stroke: var(--rule) } .axis { stroke: var(--soft) }
.frame { fill: none; stroke: var(--rule) }
.tick { fill: var(--soft); font-size: 11.5px } .label { fill: var(--ink); font-size: 12.5px }
.line { fill: none; stroke: var(--c); stroke-width: 2 }
.dot { fill: var(--c) } .mark { fill: var(--paper); stroke: var(--c); stroke-width: 2.5 }
.bar { fill: var(--c) } .bar:hover, .dot:hover { opacity: .65 }
.point { fill: var(--c); fill-opacity: .62 } .point:hover { stroke: var(--ink); fill-opacity: 1 }
.c0 { --c: var(--c0) } .c1 { --c: var(--c1) } .c2 { --c: var(--c2) } .c3 { --c: var(--c3) }
.c4 { --c: var(--c4) } .c5 { --c: var(--c5) } .c6 { --c: var(--c6) } .c7 { --c: var(--c7) }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; padding: 0; margin: 6px 0 0; font-size: 13px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; background: var(--c); margin-right: 6px }
.scroll { overflow-x: auto; margin: 8px 0 16px }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--rule); font-weight: 400 }
thead th { color: var(--soft); white-space: normal; vertical-align: bottom; min-width: 64px; max-width: 132px }
th:first-child { text-align: left } tbody th { font-weight: 600 }
#tip { position: fixed; pointer-events: none; background: var(--ink); color: var(--paper);
  padding: 5px 9px; border-radius: 5px; font-size: 12.5px; white-space: pre-line; max-width: 320px; z-index: 1 }
</style></head><body>
)html";

// Shows tooltips at once and near the pointer. Without the script the browser
// shows the titles itself, later.
constexpr std::string_view kFoot = R"html(<div id=tip hidden></div>
<script>
'use strict';
const tip = document.getElementById('tip');
let tips = 0;
for (const title of document.querySelectorAll('svg title')) {
  const owner = title.parentElement;
  owner.dataset.tip = title.textContent;
  owner.setAttribute('aria-label', title.textContent);
  title.remove();
  ++tips;
}
document.addEventListener('pointermove', event => {
  const text = event.target.dataset && event.target.dataset.tip;
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const room = innerWidth - tip.offsetWidth - 8;
  tip.style.left = Math.min(event.clientX + 14, room) + 'px';
  tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 10) + 'px';
});
document.documentElement.dataset.tips = tips;
</script></body></html>
)html";

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
         "<div class=tiles>" + tiles + "</div>";
}

std::string Quotas(const Evaluation& evaluation) {
  const std::string plots = QuotaPlots(evaluation);
  return plots.empty() ? "" : Heading("Quotas", "") + Plots(plots);
}

std::string Maps(const ReportInput& input) {
  std::string maps;
  for (const EmbeddingSpace& space : input.bundle.spaces()) {
    maps += ItemMaps(input.bundle, space, input.groups, input.threads);
  }
  return maps;
}

std::string Against(const ReportInput& input) {
  if (input.against.empty()) return "";
  return Heading("Against " + input.against_name,
                 "This bundle minus the other, for the same users. p is the "
                 "probability of a difference as large by chance (paired "
                 "randomisation test; not corrected for the number of rows).") +
         AgainstTable(input.evaluation, input.against);
}

}  // namespace

std::string ReportHtml(const ReportInput& input) {
  const Evaluation& evaluation = input.evaluation;
  return std::string(kHead) + Summary(input) +
         Plots(RecallPlot(evaluation) + LatencyPlot(evaluation)) +
         Against(input) + Quotas(evaluation) +
         Heading("What each source means",
                 "Lost @k is the recall that the fused list loses when this "
                 "source gives nothing, with 95% confidence intervals. Below: "
                 "items in both / items in either of two sources' lists.") +
         SourcesTable(evaluation) + OverlapTable(evaluation) +
         Heading("All metrics",
                 "Means over users with 95% confidence intervals.") +
         MetricsTable(evaluation) +
         Heading("Lists",
                 "Coverage: share of the catalogue that is shown to anybody. "
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
         SampledTable(evaluation) + Heading("Training", "") +
         Plots(TrainingPlots(input.bundle)) + Heading("Items", "") +
         Plots(Maps(input)) + std::string(kFoot);
}

}  // namespace tributary
