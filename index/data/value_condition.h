#ifndef TRIBUTARY_INDEX_DATA_VALUE_CONDITION_H_
#define TRIBUTARY_INDEX_DATA_VALUE_CONDITION_H_

#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/data/feedback_summary.h"

namespace tributary {

// A condition on an interaction's value, such as "value >= 4".
struct ValueCondition {
  enum class Comparison {
    kGreater,
    kGreaterOrEqual,
    kLess,
    kLessOrEqual,
    kEqual,
    kNotEqual
  };
  Comparison comparison = Comparison::kGreater;
  float number = 0;

  bool Holds(float value) const;
};

// Reads a condition. INVALID_ARGUMENT, naming `field`, for anything else than
// value, then >, >=, <, <=, = or !=, then a finite number.
absl::StatusOr<ValueCondition> ParseValueCondition(std::string_view field,
                                                   std::string_view text);

// Recognises ratings: values of which those above 0 are multiples of .5 on a
// scale that ends at 5 or 10. At least three of them must be different, the
// lowest must not be the most frequent, as it is among counts, and most must be
// above the lowest fifth of the scale. A `name` such as "rating" or "stars"
// says that values are ratings on any scale that ends at 3 to 10, however
// frequent they are, and one such as "count" that they are not. At most two
// different values may be 0 or less. Records without a value (NaN) say nothing.
std::optional<RatingScale> RecogniseRatings(std::span<const float> values,
                                            std::string_view name);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_VALUE_CONDITION_H_
