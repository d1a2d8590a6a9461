#include "index/publish/store_config.h"

#include <algorithm>
#include <string_view>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxParallel = 64;
constexpr uint32_t kMinStallMs = 10;
constexpr uint32_t kMaxStallMs = 3'600'000;
constexpr uint32_t kMaxAttempts = 1000;

absl::Status CheckRange(std::string_view field, uint64_t value, uint64_t least,
                        uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "download.{}: {}, expected {} to {}", field, value, least, most));
}

// The region becomes part of a host name.
bool IsRegion(std::string_view region) {
  return !region.empty() && region.size() <= 63 &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-';
         });
}

// Whether it is http(s)://HOST[:PORT] and nothing else: no path, and no user
// name or password.
bool IsEndpoint(std::string_view endpoint) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!endpoint.starts_with(scheme)) continue;
    endpoint.remove_prefix(scheme.size());
    return !endpoint.empty() &&
           endpoint.find_first_of("/@?# ") == std::string_view::npos;
  }
  return false;
}

}  // namespace

absl::StatusOr<v1::Download> CompleteDownload(v1::Download given) {
  if (!given.has_parallel()) given.set_parallel(4);
  if (!given.has_max_bytes_per_second()) given.set_max_bytes_per_second(0);
  if (!given.has_stall_ms()) given.set_stall_ms(10000);
  if (!given.has_attempts()) given.set_attempts(5);
  RETURN_IF_ERROR(CheckRange("parallel", given.parallel(), 1, kMaxParallel));
  RETURN_IF_ERROR(
      CheckRange("stall_ms", given.stall_ms(), kMinStallMs, kMaxStallMs));
  RETURN_IF_ERROR(CheckRange("attempts", given.attempts(), 1, kMaxAttempts));
  return given;
}

absl::StatusOr<v1::S3> CompleteS3(v1::S3 given) {
  if (!given.has_region()) given.set_region("us-east-1");
  if (!IsRegion(given.region())) {
    return absl::InvalidArgumentError(
        "s3.region: expected letters, digits and '-'");
  }
  if (!given.has_path_style()) given.set_path_style(given.has_endpoint());
  if (!given.has_endpoint()) {
    given.set_endpoint(
        fmt::format("https://s3.{}.amazonaws.com", given.region()));
  }
  if (!IsEndpoint(given.endpoint())) {
    return absl::InvalidArgumentError(
        "s3.endpoint: expected http(s)://HOST[:PORT]");
  }
  if (!given.has_profile()) given.set_profile("default");
  return given;
}

}  // namespace tributary
