#include "server/pipeline/request_check.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/pipeline/plan_features.h"
#include "server/pipeline/query_check.h"
#include "server/pipeline/violations.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Above it, ranks would no longer tell items apart in a float.
constexpr double kMaxK0 = 1e6;

std::string RetrieverNames(const ServingBundle& bundle) {
  std::string names;
  for (const NamedRetriever& retriever : bundle.retrievers()) {
    if (!names.empty()) names += ", ";
    names += retriever.spec->name();
  }
  return names;
}

// The path of a map's entry. A long name is cut off, because errors travel in a
// header, whose size is limited.
std::string EntryPath(std::string_view map, std::string_view name) {
  return fmt::format("{}[{}]", map, Quoted(name));
}

void CheckKeyBytes(std::string_view path, std::string_view key,
                   const v1::Limits& limits, Violations* violations) {
  if (key.size() <= limits.max_key_bytes()) return;
  violations->Add(path, "{} bytes, limits.max_key_bytes is {}", key.size(),
                  limits.max_key_bytes());
}

void CheckKeys(std::string_view path,
               const google::protobuf::RepeatedPtrField<std::string>& keys,
               const v1::Limits& limits, Violations* violations) {
  for (int i = 0; i < keys.size(); ++i) {
    if (keys[i].size() <= limits.max_key_bytes()) continue;
    CheckKeyBytes(fmt::format("{}[{}]", path, i), keys[i], limits, violations);
  }
}

void CheckLists(const v1::Limits& limits, const v1::RetrieveRequest& request,
                Violations* violations) {
  if (!request.recent_item_ids().empty() &&
      !request.recent_item_keys().empty()) {
    violations->Add("recent_item_keys",
                    "given together with recent_item_ids; expected only one "
                    "of them, because their order matters");
  }
  const char* recent_path = request.recent_item_keys().empty()
                                ? "recent_item_ids"
                                : "recent_item_keys";
  if (const uint32_t recent = static_cast<uint32_t>(
          request.recent_item_ids_size() + request.recent_item_keys_size());
      recent > limits.max_recent_items()) {
    violations->Add(recent_path, "{} items, limits.max_recent_items is {}",
                    recent, limits.max_recent_items());
  }
  const v1::Filter& filter = request.filter();
  const int64_t exclusions =
      int64_t{filter.exclude_item_ids_size()} + filter.exclude_item_keys_size();
  if (exclusions > limits.max_exclusions()) {
    violations->Add("filter", "{} exclusions, limits.max_exclusions is {}",
                    exclusions, limits.max_exclusions());
  }
  CheckKeys("recent_item_keys", request.recent_item_keys(), limits, violations);
  CheckKeys("filter.exclude_item_keys", filter.exclude_item_keys(), limits,
            violations);
}

void CheckQuota(std::string_view name, const v1::Quota& quota,
                const v1::Limits& limits, Violations* violations) {
  if (quota.target() > limits.max_k()) {
    violations->Add(EntryPath("quotas", name) + ".target",
                    "{}, limits.max_k is {}", quota.target(), limits.max_k());
  }
  if (quota.min() > quota.target()) {
    violations->Add(EntryPath("quotas", name) + ".min",
                    "{} is above the target, {}", quota.min(), quota.target());
  }
  if (quota.has_max() && quota.max() < quota.target()) {
    violations->Add(EntryPath("quotas", name) + ".max",
                    "{} is below the target, {}", quota.max(), quota.target());
  }
}

void CheckQuotas(const v1::ServerConfig& config, const ServingBundle& bundle,
                 const v1::RetrieveRequest& request, Violations* violations) {
  if (request.quotas().size() > config.limits().max_quotas()) {
    violations->Add("quotas", "{} quotas, limits.max_quotas is {}",
                    request.quotas().size(), config.limits().max_quotas());
    return;
  }
  uint64_t sum_of_min = 0;
  for (const auto& [name, quota] : request.quotas()) {
    if (bundle.FindRetriever(name) < 0) {
      violations->Add(EntryPath("quotas", name),
                      "no such retriever; version {} has {}",
                      bundle.bundle().version(), RetrieverNames(bundle));
    }
    CheckQuota(name, quota, config.limits(), violations);
    sum_of_min += quota.min();
  }
  const uint32_t k = request.k() > 0 ? request.k() : config.defaults().k();
  if (sum_of_min > k) {
    violations->Add("quotas", "the sum of min, {}, is above k, {}", sum_of_min,
                    k);
  }
}

void CheckFusion(const ServingBundle& bundle, const v1::Fusion& fusion,
                 Violations* violations) {
  if (!v1::Fusion::Policy_IsValid(fusion.policy())) {
    violations->Add("fusion.policy", "{} is no known policy",
                    static_cast<int>(fusion.policy()));
  }
  // The conditions here and below are false for NaN.
  if (!(fusion.k0() >= 0 && fusion.k0() <= kMaxK0)) {
    violations->Add("fusion.k0", "{} is not within 0 to {}", fusion.k0(),
                    kMaxK0);
  }
  for (const auto& [name, weight] : fusion.weights()) {
    if (bundle.FindRetriever(name) < 0) {
      violations->Add(EntryPath("fusion.weights", name),
                      "no such retriever; version {} has {}",
                      bundle.bundle().version(), RetrieverNames(bundle));
    }
    if (!(weight >= 0 && std::isfinite(weight))) {
      violations->Add(EntryPath("fusion.weights", name), "{} is not 0 or more",
                      weight);
    }
  }
}

}  // namespace

absl::Status CheckRequest(const v1::ServerConfig& config,
                          const ServingBundle& bundle,
                          const v1::RetrieveRequest& request) {
  const v1::Limits& limits = config.limits();
  Violations violations;
  if (request.bundle_version() != 0 &&
      request.bundle_version() != bundle.bundle().version()) {
    violations.Add("bundle_version", "{}, but version {} answers this call",
                   request.bundle_version(), bundle.bundle().version());
  }
  if (request.k() > limits.max_k()) {
    violations.Add("k", "{}, limits.max_k is {}", request.k(), limits.max_k());
  }
  if (!v1::View_IsValid(request.view())) {
    violations.Add("view", "{} is no known view",
                   static_cast<int>(request.view()));
  }
  CheckKeyBytes("user_key", request.user_key(), limits, &violations);
  CheckKeyBytes("segment", request.segment(), limits, &violations);
  CheckLists(limits, request, &violations);
  CheckQuotas(config, bundle, request, &violations);
  CheckFusion(bundle, request.fusion(), &violations);
  CheckQuery(limits, bundle.bundle(), request, &violations);
  CheckUserFeatures(limits, bundle.bundle(), request, &violations);
  return violations.ToStatus();
}

}  // namespace tributary
