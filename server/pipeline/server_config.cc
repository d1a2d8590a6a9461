#include "server/pipeline/server_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "index/bundle/bundle.h"
#include "index/bundle/fusion_model.h"
#include "index/bundle/product.h"
#include "server/access/access_config.h"
#include "server/change_writer/changes_config.h"
#include "server/fusion/fusion.h"
#include "server/process/control_groups.h"
#include "server/profiles/profiles_config.h"
#include "server/tls/tls_config.h"
#include "server/tracing/tracing_config.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

absl::Status CheckRange(std::string_view path, uint64_t value, uint64_t low,
                        uint64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(path, "{} is not within {} to {}", value, low, high);
}

struct Range {
  std::string_view path;
  uint64_t value, low, high;
};

absl::Status CheckRanges(std::initializer_list<Range> ranges) {
  for (const Range& range : ranges) {
    RETURN_IF_ERROR(CheckRange(range.path, range.value, range.low, range.high));
  }
  return absl::OkStatus();
}

void CompleteLimits(v1::Limits* limits) {
  if (!limits->has_max_k()) limits->set_max_k(2000);
  if (!limits->has_max_batch()) limits->set_max_batch(64);
  if (!limits->has_max_quotas()) limits->set_max_quotas(16);
  if (!limits->has_max_recent_items()) limits->set_max_recent_items(1000);
  if (!limits->has_max_exclusions()) limits->set_max_exclusions(10000);
  if (!limits->has_max_vector_dim()) limits->set_max_vector_dim(4096);
  if (!limits->has_max_key_bytes()) limits->set_max_key_bytes(512);
  if (!limits->has_max_concurrent_requests()) {
    limits->set_max_concurrent_requests(256);
  }
  if (!limits->has_max_request_bytes()) {
    limits->set_max_request_bytes(4194304);
  }
  if (!limits->has_max_where_bytes()) limits->set_max_where_bytes(16384);
  if (!limits->has_max_filter_terms()) limits->set_max_filter_terms(1000);
  if (!limits->has_max_explained_items()) limits->set_max_explained_items(16);
  if (!limits->has_max_stream()) limits->set_max_stream(1000);
}

absl::Status CheckLimits(const v1::Limits& limits) {
  return CheckRanges({
      {"limits.max_k", limits.max_k(), 1, 1'000'000},
      {"limits.max_batch", limits.max_batch(), 1, 65'536},
      {"limits.max_quotas", limits.max_quotas(), 1, kMaxSources},
      {"limits.max_recent_items", limits.max_recent_items(), 0, 1'000'000},
      {"limits.max_exclusions", limits.max_exclusions(), 0, 10'000'000},
      {"limits.max_vector_dim", limits.max_vector_dim(), 1, kMaxDim},
      {"limits.max_key_bytes", limits.max_key_bytes(), 1, 65'536},
      {"limits.max_concurrent_requests", limits.max_concurrent_requests(), 1,
       65'536},
      {"limits.max_request_bytes", limits.max_request_bytes(), 1024,
       std::numeric_limits<int32_t>::max()},
      {"limits.max_where_bytes", limits.max_where_bytes(), 0, 1'048'576},
      {"limits.max_filter_terms", limits.max_filter_terms(), 0, 100'000},
      {"limits.max_explained_items", limits.max_explained_items(), 0, 1000},
      {"limits.max_stream", limits.max_stream(), 1, 1'000'000},
  });
}

void CompleteDefaults(const v1::Limits& limits, v1::Defaults* defaults) {
  // A max_k below 500 lowers the default of k.
  if (!defaults->has_k()) defaults->set_k(std::min(500U, limits.max_k()));
  if (!defaults->has_deadline_ms()) defaults->set_deadline_ms(100);
  v1::Fusion* fusion = defaults->mutable_fusion();
  if (fusion->policy() == v1::Fusion::POLICY_UNSPECIFIED) {
    fusion->set_policy(v1::Fusion::QUOTA);
  }
  if (fusion->k0() == 0) fusion->set_k0(60);
}

absl::Status CheckDefaultQuotas(const v1::Limits& limits,
                                const v1::Defaults& defaults) {
  if (defaults.quotas_size() > limits.max_quotas()) {
    return FieldError("defaults.quotas", "{} quotas, limits.max_quotas is {}",
                      defaults.quotas_size(), limits.max_quotas());
  }
  absl::Status shares = CheckQuotaShares(defaults.quotas());
  if (shares.ok()) return shares;
  return absl::InvalidArgumentError(
      fmt::format("defaults.quotas{}", std::string(shares.message())));
}

absl::Status CheckModel(const v1::Defaults& defaults) {
  absl::Status model = CheckFusionModel(defaults.fusion_model());
  if (model.ok()) return model;
  return absl::InvalidArgumentError(
      fmt::format("defaults.fusion_model.{}", std::string(model.message())));
}

absl::Status CheckFusion(const v1::Fusion& fusion) {
  if (!v1::Fusion::Policy_IsValid(fusion.policy())) {
    return FieldError("defaults.fusion.policy", "{} is no known policy",
                      static_cast<int>(fusion.policy()));
  }
  if (!(fusion.k0() > 0 && std::isfinite(fusion.k0()))) {
    return FieldError("defaults.fusion.k0", "{} is not above 0", fusion.k0());
  }
  for (const auto& [name, weight] : fusion.weights()) {
    if (!(weight >= 0 && std::isfinite(weight))) {
      return FieldError(fmt::format("defaults.fusion.weights[\"{}\"]", name),
                        "{} is not 0 or more", weight);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDefaults(const v1::Limits& limits,
                           const v1::Defaults& defaults) {
  RETURN_IF_ERROR(CheckRange("defaults.k", defaults.k(), 1, limits.max_k()));
  RETURN_IF_ERROR(
      CheckRange("defaults.deadline_ms", defaults.deadline_ms(), 1, 600'000));
  RETURN_IF_ERROR(CheckDefaultQuotas(limits, defaults));
  RETURN_IF_ERROR(CheckModel(defaults));
  return CheckFusion(defaults.fusion());
}

absl::Status CompleteExecution(v1::Execution* execution) {
  if (!execution->has_search_threads()) {
    execution->set_search_threads(std::min(1024U, AvailableCpus()));
  }
  if (!execution->has_inline_below_us()) execution->set_inline_below_us(200);
  if (!execution->has_drain_ms()) execution->set_drain_ms(10000);
  if (!execution->has_request_threads()) {
    execution->set_request_threads(std::min(1024U, AvailableCpus()));
  }
  if (!execution->has_drain_delay_ms()) execution->set_drain_delay_ms(0);
  return CheckRanges({
      {"execution.search_threads", execution->search_threads(), 1, 1024},
      {"execution.drain_ms", execution->drain_ms(), 0, 3'600'000},
      {"execution.request_threads", execution->request_threads(), 1, 1024},
      {"execution.drain_delay_ms", execution->drain_delay_ms(), 0, 3'600'000},
  });
}

void CompleteTransport(v1::Transport* transport) {
  if (!transport->has_max_connections()) transport->set_max_connections(4096);
  if (!transport->has_max_concurrent_streams()) {
    transport->set_max_concurrent_streams(1024);
  }
  if (!transport->has_max_header_bytes()) {
    transport->set_max_header_bytes(16384);
  }
  if (!transport->has_max_buffer_bytes()) {
    transport->set_max_buffer_bytes(268435456);
  }
  if (!transport->has_keepalive_ms()) transport->set_keepalive_ms(60000);
  if (!transport->has_keepalive_timeout_ms()) {
    transport->set_keepalive_timeout_ms(20000);
  }
  if (!transport->has_min_client_keepalive_ms()) {
    transport->set_min_client_keepalive_ms(10000);
  }
  if (!transport->has_max_connection_age_ms()) {
    transport->set_max_connection_age_ms(3600000);
  }
  if (!transport->has_max_connection_idle_ms()) {
    transport->set_max_connection_idle_ms(900000);
  }
  if (!transport->has_write_timeout_ms()) transport->set_write_timeout_ms(5000);
  if (!transport->has_http_read_timeout_ms()) {
    transport->set_http_read_timeout_ms(5000);
  }
  if (!transport->has_http_keepalive_ms()) {
    transport->set_http_keepalive_ms(75000);
  }
}

absl::Status CheckTransport(const v1::Transport& transport) {
  constexpr uint64_t kDayMs = 86'400'000;
  constexpr uint64_t kMaxAgeMs = 2'000'000'000;
  return CheckRanges({
      {"transport.max_connections", transport.max_connections(), 1, 1'000'000},
      {"transport.max_concurrent_streams", transport.max_concurrent_streams(),
       1, 65'536},
      {"transport.max_header_bytes", transport.max_header_bytes(), 1024,
       1'048'576},
      {"transport.max_buffer_bytes", transport.max_buffer_bytes(), 16'777'216,
       std::numeric_limits<int64_t>::max()},
      {"transport.keepalive_ms", transport.keepalive_ms(), 1000, kDayMs},
      {"transport.keepalive_timeout_ms", transport.keepalive_timeout_ms(), 100,
       kDayMs},
      {"transport.min_client_keepalive_ms", transport.min_client_keepalive_ms(),
       0, kDayMs},
      {"transport.max_connection_age_ms", transport.max_connection_age_ms(), 0,
       kMaxAgeMs},
      {"transport.max_connection_idle_ms", transport.max_connection_idle_ms(),
       0, kMaxAgeMs},
      {"transport.write_timeout_ms", transport.write_timeout_ms(), 10, 600'000},
      {"transport.http_read_timeout_ms", transport.http_read_timeout_ms(), 10,
       600'000},
      {"transport.http_keepalive_ms", transport.http_keepalive_ms(), 0, kDayMs},
  });
}

absl::Status CompleteOverload(v1::Overload* overload) {
  constexpr std::array<std::string_view, 3> kSteps = {"effort", "sources",
                                                      "popularity"};
  if (!overload->has_max_wait_ms()) overload->set_max_wait_ms(5);
  if (!overload->has_adaptive_limit()) overload->set_adaptive_limit(true);
  if (overload->degrade().empty()) {
    for (const std::string_view step : kSteps) {
      overload->add_degrade(std::string(step));
    }
  }
  const bool none =
      overload->degrade_size() == 1 && overload->degrade(0) == "none";
  for (int i = 0; i < overload->degrade_size() && !none; ++i) {
    if (std::ranges::count(kSteps, overload->degrade(i)) == 0) {
      return FieldError(fmt::format("overload.degrade[{}]", i),
                        "{} is not effort, sources or popularity, nor none by "
                        "itself",
                        Quoted(overload->degrade(i)));
    }
  }
  return CheckRange("overload.max_wait_ms", overload->max_wait_ms(), 1, 60'000);
}

absl::Status CompleteLiveRecall(v1::LiveRecall* live_recall) {
  if (!live_recall->has_sample_share()) live_recall->set_sample_share(0.01);
  if (!live_recall->has_queue_length()) live_recall->set_queue_length(64);
  if (!(live_recall->sample_share() >= 0 && live_recall->sample_share() <= 1)) {
    return FieldError("live_recall.sample_share", "{} is not within 0 to 1",
                      live_recall->sample_share());
  }
  return CheckRange("live_recall.queue_length", live_recall->queue_length(), 1,
                    65'536);
}

absl::Status CompleteRecording(v1::Recording* recording) {
  if (!recording->has_file()) recording->set_file("");
  if (!recording->has_max_bytes()) recording->set_max_bytes(67108864);
  if (!recording->has_share()) recording->set_share(0.01);
  if (!recording->has_user_keys()) recording->set_user_keys(false);
  if (!(recording->share() >= 0 && recording->share() <= 1)) {
    return FieldError("recording.share", "{} is not within 0 to 1",
                      recording->share());
  }
  return CheckRange("recording.max_bytes", recording->max_bytes(), 1'048'576,
                    1'099'511'627'776);
}

absl::Status CompleteLoadReports(v1::LoadReports* reports) {
  if (!reports->has_in_trailers()) reports->set_in_trailers(false);
  if (!reports->has_out_of_band()) reports->set_out_of_band(false);
  if (!reports->has_min_interval_ms()) reports->set_min_interval_ms(1000);
  return CheckRange("load_reports.min_interval_ms", reports->min_interval_ms(),
                    10, 60'000);
}

absl::Status CompleteResidency(v1::Residency* residency) {
  if (!residency->has_keep()) residency->set_keep(1);
  if (!residency->has_max_bytes()) residency->set_max_bytes(0);
  if (!residency->has_warm_queries()) residency->set_warm_queries(200);
  RETURN_IF_ERROR(CheckRange("residency.keep", residency->keep(), 0, 100));
  return CheckRange("residency.warm_queries", residency->warm_queries(), 0,
                    1'000'000);
}

absl::Status CheckLogLevel(std::string_view level) {
  constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info",
                                                       "warn", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end()) {
    return absl::OkStatus();
  }
  return FieldError("log_level",
                    "\"{}\" is not trace, debug, info, warn or error", level);
}

}  // namespace

absl::StatusOr<v1::ServerConfig> CompleteServerConfig(v1::ServerConfig given) {
  v1::ServerConfig config = std::move(given);
  if (config.bundles().empty()) {
    return FieldError("bundles", "expected a directory");
  }
  if (!config.has_listen()) config.set_listen("127.0.0.1:7700");
  if (!config.has_http()) config.set_http("127.0.0.1:7701");
  if (!config.has_admin()) config.set_admin("127.0.0.1:7702");
  if (!config.has_admin_only()) config.set_admin_only(false);
  if (config.admin_only() && config.admin() == "off") {
    return FieldError("admin_only",
                      "with admin off, nothing would answer "
                      "health, readiness and metrics");
  }
  if (!config.has_control()) {
    config.set_control(fmt::format("unix:{}/control.sock", config.bundles()));
  }
  if (!config.has_console()) config.set_console(true);
  if (!config.has_log_level()) config.set_log_level("info");
  RETURN_IF_ERROR(CheckLogLevel(config.log_level()));

  CompleteLimits(config.mutable_limits());
  RETURN_IF_ERROR(CheckLimits(config.limits()));
  CompleteDefaults(config.limits(), config.mutable_defaults());
  RETURN_IF_ERROR(CheckDefaults(config.limits(), config.defaults()));
  RETURN_IF_ERROR(CompleteExecution(config.mutable_execution()));
  RETURN_IF_ERROR(CompleteLiveRecall(config.mutable_live_recall()));
  RETURN_IF_ERROR(CompleteResidency(config.mutable_residency()));
  RETURN_IF_ERROR(CompleteRecording(config.mutable_recording()));
  RETURN_IF_ERROR(CompleteLoadReports(config.mutable_load_reports()));
  if (!config.filters().has_cache_bytes()) {
    config.mutable_filters()->set_cache_bytes(67108864);
  }
  if (!config.filters().has_item_sets_bytes()) {
    config.mutable_filters()->set_item_sets_bytes(268435456);
  }
  RETURN_IF_ERROR(CheckProfiles(config));
  CompleteTransport(config.mutable_transport());
  RETURN_IF_ERROR(CheckTransport(config.transport()));
  RETURN_IF_ERROR(CompleteOverload(config.mutable_overload()));
  if (!config.has_product()) config.set_product("");
  RETURN_IF_ERROR(CheckProductName(config.product()));
  ASSIGN_OR_RETURN(*config.mutable_tls(), CompleteTls(config.tls()));
  ASSIGN_OR_RETURN(*config.mutable_changes(),
                   CompleteChangeWriting(config.changes()));
  std::set<std::string> profiles;
  for (const v1::Profile& profile : config.profiles()) {
    profiles.insert(profile.name());
  }
  ASSIGN_OR_RETURN(*config.mutable_access(),
                   CompleteAccess(config.access(), profiles));
  ASSIGN_OR_RETURN(*config.mutable_tracing(),
                   CompleteTracing(config.tracing(), "tributary-server"));
  ASSIGN_OR_RETURN(*config.mutable_slow_calls(),
                   CompleteSlowCalls(config.slow_calls()));
  return config;
}

}  // namespace tributary
