#include "evaluation/verdict.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fmt/format.h"

namespace tributary {
namespace {

constexpr size_t kRecallMetric = 0;
constexpr size_t kNdcgMetric = 2;
static_assert(kRankMetrics[kRecallMetric] == "recall");
static_assert(kRankMetrics[kNdcgMetric] == "ndcg");

size_t IndexOfListK(const Evaluation& evaluation) {
  return static_cast<size_t>(
      std::find(evaluation.ks.begin(), evaluation.ks.end(), evaluation.list_k) -
      evaluation.ks.begin());
}

// -1, 0 or 1: whether the first of two is worse, equal up to chance, or better.
int SignOf(const Interval& difference, double p_value) {
  if (p_value >= kSignificance) return 0;
  if (difference.low > 0) return 1;
  return difference.high < 0 ? -1 : 0;
}

std::string IntervalText(const Interval& difference) {
  const bool below = difference.mean < 0;
  const double low = below ? -difference.high : difference.low;
  const double high = below ? -difference.low : difference.high;
  return fmt::format("95% interval {:.4f} to {:.4f}", low, high);
}

std::string WithoutRivals(const Evaluation& ours) {
  if (ours.sources.size() < 2) return "";
  const size_t k = IndexOfListK(ours);
  const std::string& source = ours.sources[ours.best_source].name;
  const double fused = ours.lists[0].at[k][kRecallMetric].mean;
  const double alone =
      ours.lists[ours.best_source + 1].at[k][kRecallMetric].mean;
  const Interval& lead = ours.lead_over_best_source;
  switch (SignOf(lead, 0)) {
    case 1:
      return fmt::format(
          "The fused list wins: its recall@{} of {:.4f} is {:.4f} above that "
          "of {}, the best source alone ({}).",
          ours.list_k, fused, lead.mean, source, IntervalText(lead));
    case -1:
      return fmt::format(
          "The source {} wins: alone it has a recall@{} of {:.4f}, {:.4f} "
          "above that of the fused list ({}).",
          source, ours.list_k, alone, -lead.mean, IntervalText(lead));
    default:
      return fmt::format(
          "Nobody wins: the recall@{} of the fused list, {:.4f}, and that of "
          "{}, the best source alone, {:.4f}, differ by no more than chance.",
          ours.list_k, fused, source, alone);
  }
}

}  // namespace

std::string VerdictSentence(const Evaluation& ours,
                            std::span<const Rival> rivals) {
  if (rivals.empty()) return WithoutRivals(ours);
  const size_t k = IndexOfListK(ours);
  // The rival that is nearest to winning, and then the nearest to drawing.
  const auto standing = [&](const Rival& rival) {
    const Comparison& found = rival.ours_minus_theirs[k][kRecallMetric];
    return std::pair(SignOf(found.difference, found.p_value),
                     found.difference.mean);
  };
  const Rival& best = *std::min_element(rivals.begin(), rivals.end(),
                                        [&](const Rival& a, const Rival& b) {
                                          return standing(a) < standing(b);
                                        });
  const Comparison& found = best.ours_minus_theirs[k][kRecallMetric];
  const double fused = ours.lists[0].at[k][kRecallMetric].mean;
  const double theirs = best.at[k][kRecallMetric].mean;
  const std::string_view others =
      rivals.size() > 1 ? ", the best of the others" : "";
  switch (SignOf(found.difference, found.p_value)) {
    case 1:
      return fmt::format(
          "This bundle wins: its recall@{} of {:.4f} is {:.4f} above that of "
          "{}{} ({}, p = {:.4f}).",
          ours.list_k, fused, found.difference.mean, best.name, others,
          IntervalText(found.difference), found.p_value);
    case -1:
      return fmt::format(
          "{} wins: its recall@{} of {:.4f} is {:.4f} above that of this "
          "bundle ({}, p = {:.4f}).",
          best.name, ours.list_k, theirs, -found.difference.mean,
          IntervalText(found.difference), found.p_value);
    default:
      return fmt::format(
          "Nobody wins: the recall@{} of this bundle, {:.4f}, and that of "
          "{}{}, {:.4f}, differ by no more than chance (p = {:.4f}).",
          ours.list_k, fused, best.name, others, theirs, found.p_value);
  }
}

std::vector<WorseMeasure> WorseMeasures(const Rival& rival) {
  const Comparisons& comparisons = rival.ours_minus_theirs;
  const double limit =
      kSignificance / (2 * static_cast<double>(comparisons.size()));
  std::vector<WorseMeasure> worse;
  for (size_t k = 0; k < comparisons.size(); ++k) {
    for (const size_t metric : {kRecallMetric, kNdcgMetric}) {
      const Comparison& found = comparisons[k][metric];
      if (found.difference.mean < 0 && found.p_value < limit) {
        worse.push_back({metric, k});
      }
    }
  }
  std::stable_sort(worse.begin(), worse.end(),
                   [&](const WorseMeasure& a, const WorseMeasure& b) {
                     return comparisons[a.k][a.metric].p_value <
                            comparisons[b.k][b.metric].p_value;
                   });
  return worse;
}

std::string WorseSentence(const Evaluation& ours, const Rival& rival,
                          std::span<const WorseMeasure> measures) {
  const auto name = [&](const WorseMeasure& measure) {
    return fmt::format("{}@{}", kRankMetrics[measure.metric],
                       ours.ks[measure.k]);
  };
  const WorseMeasure& first = measures.front();
  const Comparison& found = rival.ours_minus_theirs[first.k][first.metric];
  std::string sentence = fmt::format(
      "the bundle is worse than {}: its {} of {:.4f} is {:.4f} below {:.4f} "
      "({}, p = {:.4f})",
      rival.name, name(first), ours.lists[0].at[first.k][first.metric].mean,
      -found.difference.mean, rival.at[first.k][first.metric].mean,
      IntervalText(found.difference), found.p_value);
  for (size_t i = 1; i < measures.size(); ++i) {
    sentence += (i == 1 ? "; also lower: " : ", ") + name(measures[i]);
  }
  return sentence;
}

}  // namespace tributary
