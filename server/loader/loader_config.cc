#include "server/loader/loader_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "fmt/core.h"
#include "index/bundle/product.h"
#include "index/publish/store_config.h"
#include "server/gate/gate_config.h"
#include "server/tracing/tracing_config.h"
#include "server/trial/trial_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kDefaultPollIntervalMs = 1000;
constexpr uint32_t kMaxPollIntervalMs = 3'600'000;
constexpr uint32_t kMinChangesIntervalMs = 10;
constexpr uint32_t kDefaultKeep = 1;
constexpr uint32_t kMaxKeep = 1000;
constexpr std::array<std::string_view, 5> kLogLevels = {
    "trace", "debug", "info", "warn", "error"};

absl::Status In(std::string_view field, const absl::Status& status) {
  return absl::Status(
      status.code(),
      fmt::format("{}.{}", field, std::string(status.message())));
}

absl::Status CompleteGateAndTrial(v1::LoaderConfig* config) {
  const auto gate = CompleteGate(config->gate());
  if (!gate.ok()) return In("gate", gate.status());
  *config->mutable_gate() = *gate;
  const auto trial = CompleteTrial(config->trial());
  if (!trial.ok()) return In("trial", trial.status());
  *config->mutable_trial() = *trial;
  return absl::OkStatus();
}

void CompleteAccess(v1::ClientAccess* access) {
  if (!access->has_ca_file()) access->set_ca_file("");
  if (!access->has_certificate_file()) access->set_certificate_file("");
  if (!access->has_private_key_file()) access->set_private_key_file("");
  if (!access->has_server_name()) access->set_server_name("");
  if (!access->has_token_file()) access->set_token_file("");
}

}  // namespace

absl::StatusOr<v1::LoaderConfig> CompleteLoaderConfig(v1::LoaderConfig given) {
  if (given.store().empty()) {
    return absl::InvalidArgumentError(
        "store: expected a directory, http(s)://HOST/PATH or "
        "s3://BUCKET/PREFIX");
  }
  if (given.bundles().empty()) {
    return absl::InvalidArgumentError("bundles: expected a directory");
  }
  if (!given.has_control()) {
    given.set_control(fmt::format("unix:{}/control.sock", given.bundles()));
  }
  if (!given.has_poll_interval_ms()) {
    given.set_poll_interval_ms(kDefaultPollIntervalMs);
  }
  if (!given.has_changes_poll_interval_ms()) {
    given.set_changes_poll_interval_ms(kDefaultPollIntervalMs);
  }
  if (!given.has_keep()) given.set_keep(kDefaultKeep);
  if (!given.has_log_level()) given.set_log_level("info");
  RETURN_IF_ERROR(CompleteGateAndTrial(&given));
  CompleteAccess(given.mutable_access());
  if (!given.has_product()) given.set_product("");
  RETURN_IF_ERROR(CheckProductName(given.product()));
  if (!given.has_max_current_age_seconds()) {
    given.set_max_current_age_seconds(0);
  }
  if (given.max_current_age_seconds() > 0 && given.public_keys().empty()) {
    return absl::InvalidArgumentError(
        "max_current_age_seconds: nobody's signature is known: give "
        "public_keys, too");
  }
  if (!given.has_allow_older()) given.set_allow_older(false);
  ASSIGN_OR_RETURN(*given.mutable_tracing(),
                   CompleteTracing(given.tracing(), "tributary-loader"));
  ASSIGN_OR_RETURN(*given.mutable_download(),
                   CompleteDownload(given.download()));
  ASSIGN_OR_RETURN(*given.mutable_s3(), CompleteS3(given.s3()));
  if (given.poll_interval_ms() < 1 ||
      given.poll_interval_ms() > kMaxPollIntervalMs) {
    return absl::InvalidArgumentError(
        fmt::format("poll_interval_ms: {}, expected 1 to {}",
                    given.poll_interval_ms(), kMaxPollIntervalMs));
  }
  if (given.changes_poll_interval_ms() < kMinChangesIntervalMs ||
      given.changes_poll_interval_ms() > kMaxPollIntervalMs) {
    return absl::InvalidArgumentError(
        fmt::format("changes_poll_interval_ms: {}, expected {} to {}",
                    given.changes_poll_interval_ms(), kMinChangesIntervalMs,
                    kMaxPollIntervalMs));
  }
  if (given.keep() > kMaxKeep) {
    return absl::InvalidArgumentError(
        fmt::format("keep: {}, expected at most {}", given.keep(), kMaxKeep));
  }
  if (std::find(kLogLevels.begin(), kLogLevels.end(), given.log_level()) ==
      kLogLevels.end()) {
    return absl::InvalidArgumentError(
        fmt::format("log_level: {:?}, expected trace, debug, info, warn or "
                    "error",
                    given.log_level()));
  }
  return given;
}

}  // namespace tributary
