#include "cli/eval_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"

namespace tributary {
namespace {

std::string Cell(std::optional<double> value) {
  return value ? fmt::format("{:>10.4f}", *value) : fmt::format("{:>10}", "-");
}

std::optional<double> MeanUnless(bool undefined, const Interval& value) {
  if (undefined) return std::nullopt;
  return value.mean;
}

std::string MetricLines(const Evaluation& evaluation) {
  std::string table = fmt::format("\n{:<16}", "fused");
  for (const uint32_t k : evaluation.ks) {
    table += fmt::format("{:>8}", fmt::format("@{}", k));
  }
  const ListFigures& fused = evaluation.lists[0];
  const auto line = [&](std::string_view name, const auto& value_at) {
    table += fmt::format("\n{:<16}", name);
    for (const auto& at : fused.at) {
      table += fmt::format("{:>8.4f}", value_at(at));
    }
  };
  for (size_t m = 1; m < kRankMetrics.size(); ++m) {
    line(kRankMetrics[m], [m](const auto& at) { return at[m].mean; });
  }
  line("recall 95% +-",
       [](const auto& at) { return (at[0].high - at[0].low) / 2; });
  return table + '\n';
}

std::string ListLines(const Evaluation& evaluation) {
  std::string table =
      fmt::format("\n{:<16}{:>10}{:>10}{:>10}{:>10}{:>13}{:>10}\n",
                  fmt::format("first {}", evaluation.list_k), "coverage",
                  "Gini", "novelty", "diversity", "unique hits", "lost");
  for (size_t i = 0; i < evaluation.lists.size(); ++i) {
    const ListFigures& list = evaluation.lists[i];
    const std::string novelty =
        list.novelty_bits ? fmt::format("{:.1f} bits", *list.novelty_bits)
                          : std::string("-");
    table += fmt::format("{:<16}{}{}{:>10}{}", list.name, Cell(list.coverage),
                         Cell(list.gini), novelty, Cell(list.diversity));
    if (i > 0) {
      const SourceFigures& source = evaluation.sources[i - 1];
      const auto at = std::find(evaluation.ks.begin(), evaluation.ks.end(),
                                evaluation.list_k) -
                      evaluation.ks.begin();
      table += fmt::format(
          "{:>13}{}", source.unique_hits,
          source.planned_users == 0
              ? Cell(std::nullopt)
              : Cell(source.recall_lost[static_cast<size_t>(at)].mean));
    }
    table += '\n';
  }
  return table +
         fmt::format(
             "(unique hits: hits that no other source has; lost: the "
             "recall@{} that the fused list loses without the source)\n",
             evaluation.list_k);
}

template <typename Column>
std::string Matrix(const Evaluation& evaluation, const std::string& title,
                   std::span<const std::string_view> columns,
                   const Column& value) {
  std::string table = fmt::format("\n{:<16}", title);
  for (const std::string_view column : columns) {
    table += fmt::format("{:>12}", column);
  }
  for (size_t list = 0; list < evaluation.lists.size(); ++list) {
    table += fmt::format("\n{:<16}", evaluation.lists[list].name);
    for (size_t c = 0; c < columns.size(); ++c) {
      table += "  " + Cell(value(list, c));
    }
  }
  return table + '\n';
}

std::string Segments(const Evaluation& evaluation) {
  const std::string title = fmt::format("recall@{}", evaluation.list_k);
  std::string table = Matrix(
      evaluation, title, kUserSegments, [&](size_t list, size_t segment) {
        return MeanUnless(evaluation.user_segments.users[segment].empty(),
                          evaluation.lists[list].by_user_segment[segment]);
      });
  const auto& users = evaluation.user_segments.users;
  table += fmt::format(
      "(users: {} cold without history, {} light with at most {} items, {} "
      "heavy)\n",
      users[0].size(), users[1].size(), evaluation.user_segments.light_at_most,
      users[2].size());
  table += Matrix(
      evaluation, title, kItemSegments, [&](size_t list, size_t segment) {
        return MeanUnless(evaluation.item_segment_users[segment] == 0,
                          evaluation.lists[list].by_item_segment[segment]);
      });
  const auto& items = evaluation.item_segments.items;
  return table + fmt::format(
                     "(items: {} head, {} mid, {} tail, each with a third of "
                     "the interactions; {} new without any)\n",
                     items[0], items[1], items[2], items[3]);
}

std::string Overlap(const Evaluation& evaluation) {
  std::string table = fmt::format("\n{:<16}", "overlap");
  for (const SourceFigures& source : evaluation.sources) {
    table += fmt::format("{:>12}", source.name);
  }
  for (const SourceFigures& source : evaluation.sources) {
    table += fmt::format("\n{:<16}", source.name);
    for (const double share : source.overlap) table += "  " + Cell(share);
  }
  return table +
         fmt::format("\n(Jaccard of the first {}: items in both / in either)\n",
                     evaluation.list_k);
}

std::string Sampled(const Evaluation& evaluation) {
  constexpr std::array<std::string_view, 4> kColumns = {
      "hit 100", "ndcg 100", "hit 1000", "ndcg 1000"};
  static_assert(kSampledNegatives == std::array<uint32_t, 2>{100, 1000});
  return Matrix(evaluation, fmt::format("sampled @{}", kSampledK), kColumns,
                [&](size_t list, size_t c) {
                  const SampledMetrics& sampled =
                      evaluation.lists[list].sampled[c / 2];
                  return c % 2 == 0 ? sampled.hit : sampled.ndcg;
                }) +
         "(each test item ranked among 100 or 1000 random others, in "
         "expectation; biased:\nmay order two recommenders differently than "
         "the metrics above, see Krichene and\nRendle 2020; only for "
         "comparison with papers)\n";
}

std::string GivenListsLine(std::string_view name,
                           const GivenListsCounts& counts) {
  return fmt::format(
      "({}: {} of {} test users have no list, and a recall of 0; {} of {} "
      "users are not in the test set; {} of {} items are unknown; {} of {} "
      "entries repeat an item and are ignored, {} are of items that the user "
      "already had{})\n",
      name, counts.test_users_without_list, counts.test_users,
      counts.users_not_tested, counts.users, counts.unknown_items, counts.items,
      counts.repeats, counts.entries, counts.seen_entries,
      counts.not_passing_entries == 0
          ? ""
          : fmt::format(", and {} of items that do not pass the filter",
                        counts.not_passing_entries));
}

}  // namespace

std::string SummaryTable(const Evaluation& evaluation) {
  const auto latency = LatencyPercentilesUs(evaluation);
  return MetricLines(evaluation) + ListLines(evaluation) +
         fmt::format("(latency p50 {:.2f} ms, p95 {:.2f} ms, p99 {:.2f} ms)\n",
                     latency[0] / 1e3, latency[1] / 1e3, latency[2] / 1e3);
}

std::string DetailTable(const Evaluation& evaluation) {
  return Segments(evaluation) + Overlap(evaluation) + Sampled(evaluation);
}

std::string DiversityTable(const DiversityCurve& curve) {
  std::string table = fmt::format("\n{:<16}", "lambda");
  for (const uint32_t k : curve.ks) {
    table += fmt::format("{:>8}", fmt::format("@{}", k));
  }
  table += fmt::format("{:>11}", "diversity");
  for (const DiversityPoint& point : curve.points) {
    table += point.lambda ? fmt::format("\n{:<16}", *point.lambda)
                          : fmt::format("\n{:<16}", "as it is");
    for (const double recall : point.recall) {
      table += fmt::format("{:>8.4f}", recall);
    }
    table += " " + Cell(point.diversity);
  }
  return table +
         fmt::format(
             "\n(recall of the fused list by lambda; diversity: 1 - the mean "
             "cosine in {} of all pairs of the first {})\n",
             curve.space, curve.list_k);
}

std::string RivalsTable(const Evaluation& evaluation,
                        std::span<const Rival> rivals) {
  size_t width = 8;
  for (const Rival& rival : rivals) width = std::max(width, rival.name.size());
  std::string table = fmt::format("\n{:<10}{:<{}}", "beside", "", width + 2);
  for (const uint32_t k : evaluation.ks) {
    table += fmt::format("{:>8}", fmt::format("@{}", k));
  }
  const auto line = [&](std::string_view title, std::string_view name) {
    table += fmt::format("\n{:<10}{:<{}}", title, name, width + 2);
  };
  for (const size_t m : {size_t{0}, size_t{2}, size_t{3}}) {
    line(kRankMetrics[m], "fused");
    for (const auto& at : evaluation.lists[0].at) {
      table += fmt::format("{:>8.4f}", at[m].mean);
    }
    for (const Rival& rival : rivals) {
      line("", rival.name);
      for (const auto& at : rival.at) {
        table += fmt::format("{:>8.4f}", at[m].mean);
      }
    }
  }
  line("coverage", "fused");
  table += fmt::format("{:>8.4f}  of the catalogue, by the first {}",
                       evaluation.lists[0].coverage, evaluation.list_k);
  for (const Rival& rival : rivals) {
    line("", rival.name);
    table += fmt::format("{:>8.4f}", rival.coverage);
  }
  table += '\n';
  for (const Rival& rival : rivals) {
    if (rival.counts) table += GivenListsLine(rival.name, *rival.counts);
  }
  return table;
}

std::string ComparisonTable(const Evaluation& evaluation, const Rival& rival) {
  std::string table =
      fmt::format("\nfused - {}\n{:<16}{:>8}{:>12}{:>24}{:>10}\n", rival.name,
                  "", "k", "difference", "95% interval", "p");
  for (size_t m = 0; m < kRankMetrics.size(); ++m) {
    for (size_t k = 0; k < rival.ours_minus_theirs.size(); ++k) {
      const Comparison& found = rival.ours_minus_theirs[k][m];
      table +=
          fmt::format("{:<16}{:>8}{:>+12.4f}{:>24}{:>10.4f}\n", kRankMetrics[m],
                      evaluation.ks[k], found.difference.mean,
                      fmt::format("{:+.4f} to {:+.4f}", found.difference.low,
                                  found.difference.high),
                      found.p_value);
    }
  }
  return table +
         "(p: paired randomisation test over users, without a correction for "
         "multiple tests)\n";
}

}  // namespace tributary
