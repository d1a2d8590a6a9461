#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/feedback.h"

namespace tributary {
namespace {

std::string DescribeConditions(const FeedbackSummary& summary) {
  if (!summary.positive.empty() || !summary.negative.empty()) {
    return fmt::format(
        "positive: {}; negative: {} (feedback.positive and feedback.negative)",
        summary.positive.empty() ? "by default" : summary.positive,
        summary.negative.empty() ? "by default" : summary.negative);
  }
  if (!summary.ratings.has_value()) return "";
  const RatingScale& ratings = *summary.ratings;
  return fmt::format(
      "the values are ratings from {} to {}: those above {:.3g} are positive, "
      "0 is not rated, and the others are negative (feedback.positive, such as "
      "\"value >= 4\", says otherwise)",
      ratings.low, ratings.high, ratings.highest_negative);
}

std::string DescribeTypes(const FeedbackSummary& summary) {
  const bool any_listed = std::ranges::any_of(
      summary.types, [](const auto& type) { return type.listed; });
  std::string text;
  for (const FeedbackSummary::Type& type : summary.types) {
    text += fmt::format("{}{}: {} of weight {}{}", text.empty() ? "" : ", ",
                        type.name.empty() ? "no type" : type.name, type.count,
                        type.weight,
                        type.listed || !any_listed ? "" : " (not configured)");
  }
  if (text.empty()) return "";
  text = "types of event: " + text;
  if (!any_listed) {
    text += "; all count alike unless feedback.type_weights says otherwise";
  }
  return text;
}

}  // namespace

std::vector<std::string> Describe(const FeedbackSummary& summary) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "interactions: {} positive, {} negative, {} that only mark items as seen",
      summary.positives, summary.negatives, summary.seen_only));
  for (std::string line :
       {DescribeConditions(summary), DescribeTypes(summary)}) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (!summary.absent_types.empty()) {
    lines.push_back(
        fmt::format("feedback.type_weights: no interaction has the type {}",
                    fmt::join(summary.absent_types, ", ")));
  }
  if (summary.limited > 0) {
    lines.push_back(fmt::format(
        "{} interactions repeat what the same user did with the same item, or "
        "are more than a user's limit of a day, and count less or not at all "
        "(feedback.max_per_user_item_day, feedback.max_repeats, "
        "feedback.max_per_user_day)",
        summary.limited));
  }
  return lines;
}

}  // namespace tributary
