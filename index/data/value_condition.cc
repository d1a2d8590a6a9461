#include "index/data/value_condition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/data/parse_field.h"

namespace tributary {
namespace {

using Comparison = ValueCondition::Comparison;

// Longer ones first.
constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
    {">=", Comparison::kGreaterOrEqual},
    {"<=", Comparison::kLessOrEqual},
    {"!=", Comparison::kNotEqual},
    {"==", Comparison::kEqual},
    {">", Comparison::kGreater},
    {"<", Comparison::kLess},
    {"=", Comparison::kEqual}};

// Scales have at most as many steps as .5, 1, ... 10.
constexpr size_t kMaxRatings = 20;
constexpr size_t kMinRatings = 3;
// Of 1 to 5 this is 1, of .5 to 5 it is .5 and 1, and of 1 to 10 it is 1 and 2.
// A third was measured to lose recall (docs/your_data.md).
constexpr float kLowestShare = 0.2F;
constexpr size_t kMaxOthers = 2;

bool HasAnyOf(std::string_view name,
              std::initializer_list<std::string_view> words) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::ranges::any_of(words, [&](std::string_view word) {
    return lower.find(word) != std::string::npos;
  });
}

// How often each value occurs; stops when there are too many for ratings.
std::map<float, uint64_t> CountValues(std::span<const float> values) {
  std::map<float, uint64_t> counts;
  // Equal values often follow one another.
  float last = NAN;
  uint64_t* count = nullptr;
  for (const float value : values) {
    if (std::isnan(value)) continue;
    if (value != last) {
      count = &counts[value];
      last = value;
      if (counts.size() > kMaxRatings + kMaxOthers) break;
    }
    ++*count;
  }
  return counts;
}

// Whether the values are as frequent as ratings usually are, and not as counts.
bool LookLikeRatings(const std::map<float, uint64_t>& counts,
                     float highest_negative) {
  uint64_t low = 0;
  uint64_t all = 0;
  uint64_t most = 0;
  for (const auto& [value, count] : counts) {
    all += count;
    most = std::max(most, count);
    if (value <= highest_negative) low += count;
  }
  return counts.begin()->second < most && low * 2 < all;
}

}  // namespace

bool ValueCondition::Holds(float value) const {
  switch (comparison) {
    case Comparison::kGreater:
      return value > number;
    case Comparison::kGreaterOrEqual:
      return value >= number;
    case Comparison::kLess:
      return value < number;
    case Comparison::kLessOrEqual:
      return value <= number;
    case Comparison::kEqual:
      return value == number;
    case Comparison::kNotEqual:
      return value != number;
  }
  return false;
}

absl::StatusOr<ValueCondition> ParseValueCondition(std::string_view field,
                                                   std::string_view text) {
  constexpr std::string_view kValue = "value";
  std::string_view rest = Trim(text);
  if (rest.starts_with(kValue)) {
    rest = Trim(rest.substr(kValue.size()));
    for (const auto& [sign, comparison] : kComparisons) {
      if (!rest.starts_with(sign)) continue;
      const std::optional<double> number =
          ParseNumber(Trim(rest.substr(sign.size())));
      if (!number || !std::isfinite(static_cast<float>(*number))) break;
      // Rounded as values are, so that "value >= 4.1" holds for 4.1.
      return ValueCondition{comparison, static_cast<float>(*number)};
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: \"{}\", expected value, then >, >=, <, <=, = or !=, "
                  "then a number, such as \"value >= 4\"",
                  field, text));
}

std::optional<RatingScale> RecogniseRatings(std::span<const float> values,
                                            std::string_view name) {
  if (HasAnyOf(name, {"count", "quantity", "qty", "plays", "views", "clicks",
                      "amount", "price", "weight", "duration", "seconds"})) {
    return std::nullopt;
  }
  std::map<float, uint64_t> counts = CountValues(values);
  const auto first = counts.upper_bound(0);
  if (std::distance(counts.begin(), first) > int64_t{kMaxOthers}) {
    return std::nullopt;
  }
  counts.erase(counts.begin(), first);
  if (counts.size() < kMinRatings || counts.size() > kMaxRatings) {
    return std::nullopt;
  }
  float step = 1;
  for (const auto& [value, count] : counts) {
    if (value * 2 != std::floor(value * 2)) return std::nullopt;
    if (value != std::floor(value)) step = 0.5F;
  }
  RatingScale scale{.low = step, .high = counts.rbegin()->first};
  scale.highest_negative = scale.low + kLowestShare * (scale.high - scale.low);
  if (HasAnyOf(name, {"rating", "rate", "star", "score", "grade"})) {
    if (scale.high >= 3 && scale.high <= 10) return scale;
    return std::nullopt;
  }
  if (scale.high != 5 && scale.high != 10) return std::nullopt;
  if (!LookLikeRatings(counts, scale.highest_negative)) return std::nullopt;
  return scale;
}

}  // namespace tributary
