#include "server/gate/gate_config.h"

#include <string_view>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Both bound the cost of a gate.
constexpr uint32_t kMaxSampleUsers = 100'000;
constexpr uint32_t kMaxN = 10'000;

absl::Status CheckCount(std::string_view field, uint32_t value, uint32_t most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {}, expected 1 to {}", field, value, most));
}

absl::Status CheckShare(std::string_view field, double value) {
  // Written so that NaN fails.
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {}, expected 0 to 1", field, value));
}

}  // namespace

absl::StatusOr<v1::Gate> CompleteGate(v1::Gate given) {
  if (!given.has_enabled()) given.set_enabled(true);
  if (!given.has_sample_users()) given.set_sample_users(200);
  if (!given.has_n()) given.set_n(100);
  if (!given.has_min_recall()) given.set_min_recall(.9);
  if (!given.has_min_overlap()) given.set_min_overlap(.02);
  if (!given.has_min_coverage_ratio()) given.set_min_coverage_ratio(.5);
  if (!given.has_max_unreachable()) given.set_max_unreachable(.5);
  if (!given.has_min_count_ratio()) given.set_min_count_ratio(.5);
  if (!given.has_min_length_ratio()) given.set_min_length_ratio(.8);
  if (!given.has_min_norm_ratio()) given.set_min_norm_ratio(.1);
  RETURN_IF_ERROR(
      CheckCount("sample_users", given.sample_users(), kMaxSampleUsers));
  RETURN_IF_ERROR(CheckCount("n", given.n(), kMaxN));
  RETURN_IF_ERROR(CheckShare("min_recall", given.min_recall()));
  RETURN_IF_ERROR(CheckShare("min_overlap", given.min_overlap()));
  RETURN_IF_ERROR(CheckShare("min_coverage_ratio", given.min_coverage_ratio()));
  RETURN_IF_ERROR(CheckShare("max_unreachable", given.max_unreachable()));
  RETURN_IF_ERROR(CheckShare("min_count_ratio", given.min_count_ratio()));
  RETURN_IF_ERROR(CheckShare("min_length_ratio", given.min_length_ratio()));
  RETURN_IF_ERROR(CheckShare("min_norm_ratio", given.min_norm_ratio()));
  return given;
}

}  // namespace tributary
