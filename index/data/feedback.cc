#include "index/data/feedback.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/value_condition.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr double kFadeDay_s = 86400;

enum class ValueWeight { kNone, kLinear, kLog };

absl::StatusOr<ValueWeight> ParseValueWeight(std::string_view name) {
  if (name.empty() || name == "none") return ValueWeight::kNone;
  if (name == "linear") return ValueWeight::kLinear;
  if (name == "log") return ValueWeight::kLog;
  return absl::InvalidArgumentError(fmt::format(
      "feedback.value_weight: \"{}\", expected linear, log or none", name));
}

// Turns records into weights. Views the data, which must outlive it.
class Weigher {
 public:
  static absl::StatusOr<Weigher> Create(const v1::Feedback& feedback,
                                        const DataSet& data);

  // 1 for a positive interaction, -1 for a negative one, else 0.
  absl::StatusOr<int> SignOf(const Interaction& interaction) const;
  absl::StatusOr<float> WeightOf(const Interaction& interaction) const;

  const std::optional<RatingScale>& ratings() const { return ratings_; }

 private:
  explicit Weigher(const DataSet& data) : data_(data) {}

  absl::Status FindMeanValue();
  bool IsPositive(float value) const;
  bool IsNegative(float value) const;
  double TypeWeightOf(const Interaction& interaction) const {
    return data_.types.empty() ? 1
                               : type_weights_[data_.types[interaction.record]];
  }
  // The weight of a positive value, before it is divided by the mean.
  double Scaled(float value) const {
    if (value_weight_ == ValueWeight::kNone) return 1;
    return value_weight_ == ValueWeight::kLinear ? value
                                                 : 1 + std::log1p(value);
  }

  const DataSet& data_;
  std::optional<RatingScale> ratings_;
  std::optional<ValueCondition> positive_;
  std::optional<ValueCondition> negative_;
  // By number of the type.
  std::vector<double> type_weights_;
  ValueWeight value_weight_ = ValueWeight::kNone;
  double mean_value_ = 1;
  double half_life_s_ = 0;
  int64_t newest_s_ = 0;
};

absl::StatusOr<Weigher> Weigher::Create(const v1::Feedback& feedback,
                                        const DataSet& data) {
  Weigher weigher(data);
  if (!feedback.positive().empty()) {
    ASSIGN_OR_RETURN(
        weigher.positive_,
        ParseValueCondition("feedback.positive", feedback.positive()));
  }
  if (!feedback.negative().empty()) {
    ASSIGN_OR_RETURN(
        weigher.negative_,
        ParseValueCondition("feedback.negative", feedback.negative()));
  }
  ASSIGN_OR_RETURN(weigher.value_weight_,
                   ParseValueWeight(feedback.value_weight()));
  weigher.ratings_ = RecogniseRatings(data.values, data.value_name);
  for (const std::string& name : data.type_names) {
    const auto weight = feedback.type_weights().find(name);
    weigher.type_weights_.push_back(
        weight == feedback.type_weights().end() ? 1 : weight->second);
  }
  weigher.half_life_s_ = feedback.half_life_days() * kFadeDay_s;
  for (const Interaction& interaction : data.interactions) {
    weigher.newest_s_ = std::max(weigher.newest_s_, interaction.time_s);
  }
  RETURN_IF_ERROR(weigher.FindMeanValue());
  return weigher;
}

absl::Status Weigher::FindMeanValue() {
  if (value_weight_ == ValueWeight::kNone) return absl::OkStatus();
  double sum = 0;
  uint64_t count = 0;
  for (const Interaction& interaction : data_.interactions) {
    ASSIGN_OR_RETURN(const int sign, SignOf(interaction));
    if (sign <= 0) continue;
    const float value = ValueOf(data_, interaction);
    if (value <= 0) {
      return absl::InvalidArgumentError(fmt::format(
          "feedback.value_weight: the value {} is positive by feedback."
          "positive, but only values above 0 can be weights; expected none, or "
          "another feedback.positive",
          value));
    }
    sum += Scaled(value);
    ++count;
  }
  if (count > 0) mean_value_ = sum / static_cast<double>(count);
  return absl::OkStatus();
}

bool Weigher::IsPositive(float value) const {
  if (positive_.has_value()) return positive_->Holds(value);
  if (negative_.has_value() && negative_->Holds(value)) return false;
  return value > (ratings_.has_value() ? ratings_->highest_negative : 0);
}

bool Weigher::IsNegative(float value) const {
  if (negative_.has_value()) return negative_->Holds(value);
  if (positive_.has_value() && positive_->Holds(value)) return false;
  if (value == 0) return false;
  return value < 0 ||
         (ratings_.has_value() && value <= ratings_->highest_negative);
}

absl::StatusOr<int> Weigher::SignOf(const Interaction& interaction) const {
  const double type_weight = TypeWeightOf(interaction);
  if (type_weight <= 0) return type_weight < 0 ? -1 : 0;
  // A record without a value, beside others that have one, is no rating.
  if (!data_.values.empty() && std::isnan(data_.values[interaction.record]) &&
      !positive_.has_value() && !negative_.has_value()) {
    return 1;
  }
  const float value = ValueOf(data_, interaction);
  const bool positive = IsPositive(value);
  const bool negative = IsNegative(value);
  if (positive && negative) {
    return absl::InvalidArgumentError(fmt::format(
        "feedback.negative: the value {} is positive by feedback.positive as "
        "well, expected conditions of which at most one holds",
        value));
  }
  return positive ? 1 : negative ? -1 : 0;
}

absl::StatusOr<float> Weigher::WeightOf(const Interaction& interaction) const {
  ASSIGN_OR_RETURN(const int sign, SignOf(interaction));
  if (sign == 0) return 0;
  double weight = std::abs(TypeWeightOf(interaction));
  if (sign > 0 && value_weight_ != ValueWeight::kNone) {
    weight *= Scaled(ValueOf(data_, interaction)) / mean_value_;
  }
  if (half_life_s_ > 0 && interaction.time_s != 0) {
    const auto age_s = static_cast<double>(newest_s_ - interaction.time_s);
    weight *= std::exp2(-age_s / half_life_s_);
  }
  // What has faded away still says which of both it was.
  weight = std::max<double>(weight, std::numeric_limits<float>::min());
  return static_cast<float>(sign * weight);
}

void Count(float weight, FeedbackSummary* summary) {
  if (weight > 0) ++summary->positives;
  if (weight < 0) ++summary->negatives;
  if (weight == 0) ++summary->seen_only;
}

// Counts types, and compares them with those that the configuration has.
void CountTypes(const v1::Feedback& feedback, const DataSet& data,
                FeedbackSummary* summary) {
  std::vector<uint64_t> counts(data.type_names.size());
  for (const uint16_t type : data.types) ++counts[type];
  std::set<std::string> absent;
  for (const auto& [name, weight] : feedback.type_weights()) {
    absent.insert(name);
  }
  for (size_t type = 0; type < counts.size(); ++type) {
    const std::string& name = data.type_names[type];
    if (counts[type] == 0) continue;
    const bool listed = absent.erase(name) > 0;
    summary->types.push_back({name, counts[type],
                              listed ? feedback.type_weights().at(name) : 1.0,
                              listed});
  }
  summary->absent_types.assign(absent.begin(), absent.end());
}

}  // namespace

float ValueOf(const DataSet& data, const Interaction& interaction) {
  if (data.values.empty()) return 1;
  const float value = data.values[interaction.record];
  return std::isnan(value) ? 1 : value;
}

absl::Status ApplyFeedback(const v1::Feedback& feedback, DataSet* data) {
  ASSIGN_OR_RETURN(const Weigher weigher, Weigher::Create(feedback, *data));
  data->limits = {
      .max_per_user_item_day = feedback.has_max_per_user_item_day()
                                   ? feedback.max_per_user_item_day()
                                   : FeedbackLimits().max_per_user_item_day,
      .max_repeats = feedback.has_max_repeats() ? feedback.max_repeats()
                                                : FeedbackLimits().max_repeats,
      .max_per_user_day = feedback.max_per_user_day(),
      .newest_decides = weigher.ratings().has_value()};
  FeedbackSummary& summary = data->feedback = {};
  summary.ratings = weigher.ratings();
  summary.positive = feedback.positive();
  summary.negative = feedback.negative();
  for (Interaction& interaction : data->interactions) {
    ASSIGN_OR_RETURN(interaction.weight, weigher.WeightOf(interaction));
    Count(interaction.weight, &summary);
  }
  CountTypes(feedback, *data, &summary);
  data->limited.clear();
  LimitAllRepeats(data, &data->limited);
  std::ranges::sort(data->limited, {}, &LimitedWeight::record);
  summary.limited = data->limited.size();
  return absl::OkStatus();
}

bool IsRejected(const DataSet& data, const Interaction& interaction) {
  if (interaction.weight != 0) return interaction.weight < 0;
  return ValueOf(data, interaction) <= 0 && !data.feedback.ratings.has_value();
}

}  // namespace tributary
