#include "server/tracing/tracing_config.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxSlowMs = 3'600'000;
constexpr size_t kMaxServiceName = 255;

absl::Status CheckTracingRange(std::string_view path, uint32_t value,
                               uint32_t low, uint32_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(path, "{} is not within {} to {}", value, low, high);
}

void CompleteCollectorAccess(v1::ClientAccess* access) {
  if (!access->has_ca_file()) access->set_ca_file("");
  if (!access->has_certificate_file()) access->set_certificate_file("");
  if (!access->has_private_key_file()) access->set_private_key_file("");
  if (!access->has_server_name()) access->set_server_name("");
  if (!access->has_token_file()) access->set_token_file("");
}

}  // namespace

absl::StatusOr<v1::Tracing> CompleteTracing(v1::Tracing given,
                                            std::string_view program) {
  if (!given.has_otlp_endpoint()) given.set_otlp_endpoint("");
  CompleteCollectorAccess(given.mutable_access());
  if (!given.has_sample_share()) given.set_sample_share(0.01);
  if (!given.has_slow_ms()) given.set_slow_ms(0);
  if (!given.has_queue_length()) given.set_queue_length(8192);
  if (!given.has_interval_ms()) given.set_interval_ms(1000);
  if (!given.has_service_name()) {
    given.set_service_name(std::string(program));
  }
  // Not true of NaN.
  if (!(given.sample_share() >= 0 && given.sample_share() <= 1)) {
    return FieldError("tracing.sample_share", "{} is not within 0 to 1",
                      given.sample_share());
  }
  RETURN_IF_ERROR(
      CheckTracingRange("tracing.slow_ms", given.slow_ms(), 0, kMaxSlowMs));
  RETURN_IF_ERROR(CheckTracingRange("tracing.queue_length",
                                    given.queue_length(), 1, 1'000'000));
  RETURN_IF_ERROR(CheckTracingRange("tracing.interval_ms", given.interval_ms(),
                                    10, 60'000));
  const std::string& name = given.service_name();
  if (name.empty() || name.size() > kMaxServiceName ||
      !std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; })) {
    return FieldError("tracing.service_name",
                      "expected 1 to {} printable ASCII characters",
                      kMaxServiceName);
  }
  return given;
}

absl::StatusOr<v1::SlowCalls> CompleteSlowCalls(v1::SlowCalls given) {
  if (!given.has_threshold_ms()) given.set_threshold_ms(100);
  if (!given.has_max_per_second()) given.set_max_per_second(5);
  RETURN_IF_ERROR(CheckTracingRange("slow_calls.threshold_ms",
                                    given.threshold_ms(), 0, kMaxSlowMs));
  RETURN_IF_ERROR(CheckTracingRange("slow_calls.max_per_second",
                                    given.max_per_second(), 1, 10'000));
  return given;
}

}  // namespace tributary
