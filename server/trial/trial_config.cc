#include "server/trial/trial_config.h"

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr uint64_t kDefaultExtraBytes = uint64_t{1} << 30;
constexpr uint32_t kDefaultSeconds = 600;
constexpr uint32_t kMaxSeconds = 86'400;

}  // namespace

absl::StatusOr<v1::Trial> CompleteTrial(v1::Trial given) {
  if (!given.has_max_extra_bytes()) {
    given.set_max_extra_bytes(kDefaultExtraBytes);
  }
  if (!given.has_max_cpu_seconds()) given.set_max_cpu_seconds(kDefaultSeconds);
  if (!given.has_timeout_ms()) given.set_timeout_ms(1000 * kDefaultSeconds);
  if (given.max_cpu_seconds() < 1 || given.max_cpu_seconds() > kMaxSeconds) {
    return absl::InvalidArgumentError(
        fmt::format("max_cpu_seconds: {}, expected 1 to {}",
                    given.max_cpu_seconds(), kMaxSeconds));
  }
  if (given.timeout_ms() < 1 || given.timeout_ms() > 1000 * kMaxSeconds) {
    return absl::InvalidArgumentError(
        fmt::format("timeout_ms: {}, expected 1 to {}", given.timeout_ms(),
                    1000 * kMaxSeconds));
  }
  return given;
}

}  // namespace tributary
