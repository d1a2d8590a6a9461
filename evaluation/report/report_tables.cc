#include <optional>

#include "evaluation/report/markup.h"
#include "evaluation/report/sections.h"
#include "fmt/format.h"

namespace tributary {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string WithBounds(const Interval& value) {
  return fmt::format("{:.4f} ({:.4f}–{:.4f})", value.mean, value.low,
                     value.high);
}

std::string OptionalText(std::optional<double> value) {
  return value ? NumberText(*value) : "–";
}

}  // namespace

std::string MetricsTable(const Evaluation& evaluation) {
  std::vector<std::string> header = {"list", "metric"};
  for (const uint32_t k : evaluation.ks) {
    header.push_back(fmt::format("@{}", k));
  }
  Rows rows;
  for (const ListFigures& list : evaluation.lists) {
    for (size_t m = 0; m < kRankMetrics.size(); ++m) {
      auto& row = rows.emplace_back();
      row = {list.name, std::string(kRankMetrics[m])};
      for (const auto& at : list.at) row.push_back(WithBounds(at[m]));
    }
  }
  return TableMarkup("All metrics of every list", header, rows);
}

std::string ListsTable(const Evaluation& evaluation) {
  Rows rows;
  for (const ListFigures& list : evaluation.lists) {
    rows.push_back({list.name, NumberText(list.coverage), NumberText(list.gini),
                    OptionalText(list.novelty_bits),
                    OptionalText(list.diversity)});
  }
  return TableMarkup("Coverage, Gini, novelty and diversity of every list",
                     {fmt::format("first {}", evaluation.list_k), "coverage",
                      "Gini of exposure", "novelty, bits",
                      evaluation.diversity_space.empty()
                          ? "diversity"
                          : "diversity in " + evaluation.diversity_space},
                     rows);
}

std::string SourcesTable(const Evaluation& evaluation) {
  std::vector<std::string> header = {
      "source", fmt::format("hits in {}", evaluation.list_k),
      "hits of no other"};
  for (const uint32_t k : evaluation.ks) {
    header.push_back(fmt::format("lost @{}", k));
  }
  Rows rows;
  for (const SourceFigures& source : evaluation.sources) {
    auto& row = rows.emplace_back();
    row = {source.name, fmt::to_string(source.hits),
           fmt::to_string(source.unique_hits)};
    for (const Interval& lost : source.recall_lost) {
      row.push_back(source.planned_users == 0 ? "not asked" : WithBounds(lost));
    }
  }
  return TableMarkup("Recall that is lost without each source", header, rows);
}

std::string OverlapTable(const Evaluation& evaluation) {
  std::vector<std::string> header = {"Jaccard"};
  Rows rows;
  for (const SourceFigures& source : evaluation.sources) {
    header.push_back(source.name);
    auto& row = rows.emplace_back();
    row.push_back(source.name);
    for (const double share : source.overlap) row.push_back(NumberText(share));
  }
  return TableMarkup("What each two sources have in common", header, rows);
}

std::string SegmentsTables(const Evaluation& evaluation) {
  const auto& users = evaluation.user_segments.users;
  const uint64_t light = evaluation.user_segments.light_at_most;
  const auto& items = evaluation.item_segments;
  Rows rows;
  for (const ListFigures& list : evaluation.lists) {
    auto& row = rows.emplace_back();
    row.push_back(list.name);
    for (size_t i = 0; i < users.size(); ++i) {
      row.push_back(users[i].empty() ? "–"
                                     : WithBounds(list.by_user_segment[i]));
    }
    for (size_t i = 0; i < kItemSegments.size(); ++i) {
      row.push_back(evaluation.item_segment_users[i] == 0
                        ? "–"
                        : WithBounds(list.by_item_segment[i]));
    }
  }
  std::vector<std::string> header = {
      fmt::format("recall@{}", evaluation.list_k),
      fmt::format("users cold: no history ({})", users[0].size()),
      fmt::format("light: 1–{} items ({})", light, users[1].size()),
      fmt::format("heavy: more ({})", users[2].size())};
  for (size_t i = 0; i + 1 < kItemSegments.size(); ++i) {
    header.push_back(fmt::format("items {}: {}+ users ({})", kItemSegments[i],
                                 items.least_users[i], items.items[i]));
  }
  header.push_back(fmt::format("items new: no user ({})", items.items[3]));
  return TableMarkup("Recall by segment of users and of items", header, rows);
}

std::string SampledTable(const Evaluation& evaluation) {
  std::vector<std::string> header = {"list"};
  for (const uint32_t n : kSampledNegatives) {
    header.push_back(fmt::format("hit@{} of {}", kSampledK, n));
    header.push_back(fmt::format("ndcg@{} of {}", kSampledK, n));
  }
  Rows rows;
  for (const ListFigures& list : evaluation.lists) {
    auto& row = rows.emplace_back();
    row.push_back(list.name);
    for (const SampledMetrics& sampled : list.sampled) {
      row.push_back(NumberText(sampled.hit));
      row.push_back(NumberText(sampled.ndcg));
    }
  }
  return TableMarkup("Metrics among sampled items", header, rows);
}

std::string AgainstTable(const Evaluation& evaluation, const Rival& rival) {
  Rows rows;
  for (size_t m = 0; m < kRankMetrics.size(); ++m) {
    for (size_t k = 0; k < rival.ours_minus_theirs.size(); ++k) {
      const Comparison& found = rival.ours_minus_theirs[k][m];
      rows.push_back({fmt::format("{}@{}", kRankMetrics[m], evaluation.ks[k]),
                      fmt::format("{:.4f}", evaluation.lists[0].at[k][m].mean),
                      fmt::format("{:.4f}", rival.at[k][m].mean),
                      fmt::format("{:+.4f}", found.difference.mean),
                      fmt::format("{:+.4f} to {:+.4f}", found.difference.low,
                                  found.difference.high),
                      fmt::format("{:.4f}", found.p_value)});
    }
  }
  return TableMarkup(
      "The differences in all metrics",
      {"metric", "fused", rival.name, "difference", "95% interval", "p"}, rows);
}

}  // namespace tributary
