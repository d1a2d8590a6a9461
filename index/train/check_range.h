#ifndef TRIBUTARY_INDEX_TRAIN_CHECK_RANGE_H_
#define TRIBUTARY_INDEX_TRAIN_CHECK_RANGE_H_

#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace tributary {

// INVALID_ARGUMENT, naming the field and its range, for a value outside [low,
// high]. NaN is outside.
template <typename T>
absl::Status CheckRange(std::string_view field, T value, T low, T high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {}, expected {} to {}", field, value, low, high));
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CHECK_RANGE_H_
