#include "server/pipeline/request_check.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

std::string RetrieverNames(const ServingBundle& bundle) {
  std::string names;
  for (const NamedRetriever& retriever : bundle.retrievers()) {
    if (!names.empty()) names += ", ";
    names += retriever.spec->name();
  }
  return names;
}

std::string SpaceNames(const Bundle& bundle) {
  std::string names;
  for (const EmbeddingSpace& space : bundle.spaces()) {
    if (!names.empty()) names += ", ";
    names += space.spec->name();
  }
  return names.empty() ? "none" : names;
}

// The path of a map's entry. A long name is cut off, because errors travel in a
// header, whose size is limited.
std::string EntryPath(std::string_view map, std::string_view name) {
  return fmt::format("{}[{}]", map, Quoted(name));
}

absl::Status CheckKeyBytes(std::string_view path, std::string_view key,
                           const v1::Limits& limits) {
  if (key.size() <= limits.max_key_bytes()) return absl::OkStatus();
  return FieldError(path, "{} bytes, limits.max_key_bytes is {}", key.size(),
                    limits.max_key_bytes());
}

absl::Status CheckKeys(
    std::string_view path,
    const google::protobuf::RepeatedPtrField<std::string>& keys,
    const v1::Limits& limits) {
  for (int i = 0; i < keys.size(); ++i) {
    if (keys[i].size() <= limits.max_key_bytes()) continue;
    return CheckKeyBytes(fmt::format("{}[{}]", path, i), keys[i], limits);
  }
  return absl::OkStatus();
}

absl::Status CheckLists(const v1::Limits& limits,
                        const v1::RetrieveRequest& request) {
  if (!request.recent_item_ids().empty() &&
      !request.recent_item_keys().empty()) {
    return FieldError("recent_item_keys",
                      "given together with recent_item_ids; expected only one "
                      "of them, because their order matters");
  }
  const char* recent_path = request.recent_item_keys().empty()
                                ? "recent_item_ids"
                                : "recent_item_keys";
  if (const uint32_t recent = static_cast<uint32_t>(
          request.recent_item_ids_size() + request.recent_item_keys_size());
      recent > limits.max_recent_items()) {
    return FieldError(recent_path, "{} items, limits.max_recent_items is {}",
                      recent, limits.max_recent_items());
  }
  const v1::Filter& filter = request.filter();
  const int64_t exclusions =
      int64_t{filter.exclude_item_ids_size()} + filter.exclude_item_keys_size();
  if (exclusions > limits.max_exclusions()) {
    return FieldError("filter", "{} exclusions, limits.max_exclusions is {}",
                      exclusions, limits.max_exclusions());
  }
  RETURN_IF_ERROR(
      CheckKeys("recent_item_keys", request.recent_item_keys(), limits));
  return CheckKeys("filter.exclude_item_keys", filter.exclude_item_keys(),
                   limits);
}

absl::Status CheckQuota(std::string_view name, const v1::Quota& quota,
                        const v1::Limits& limits) {
  if (quota.target() > limits.max_k()) {
    return FieldError(EntryPath("quotas", name) + ".target",
                      "{}, limits.max_k is {}", quota.target(), limits.max_k());
  }
  if (quota.min() > quota.target()) {
    return FieldError(EntryPath("quotas", name) + ".min",
                      "{} is above the target, {}", quota.min(),
                      quota.target());
  }
  if (quota.has_max() && quota.max() < quota.target()) {
    return FieldError(EntryPath("quotas", name) + ".max",
                      "{} is below the target, {}", quota.max(),
                      quota.target());
  }
  return absl::OkStatus();
}

absl::Status CheckQuotas(const v1::ServerConfig& config,
                         const ServingBundle& bundle,
                         const v1::RetrieveRequest& request) {
  if (request.quotas().size() > config.limits().max_quotas()) {
    return FieldError("quotas", "{} quotas, limits.max_quotas is {}",
                      request.quotas().size(), config.limits().max_quotas());
  }
  uint64_t sum_of_min = 0;
  for (const auto& [name, quota] : request.quotas()) {
    if (bundle.FindRetriever(name) < 0) {
      return FieldError(EntryPath("quotas", name),
                        "no such retriever; version {} has {}",
                        bundle.bundle().version(), RetrieverNames(bundle));
    }
    RETURN_IF_ERROR(CheckQuota(name, quota, config.limits()));
    sum_of_min += quota.min();
  }
  const uint32_t k = request.k() > 0 ? request.k() : config.defaults().k();
  if (sum_of_min > k) {
    return FieldError("quotas", "the sum of min, {}, is above k, {}",
                      sum_of_min, k);
  }
  return absl::OkStatus();
}

absl::Status CheckFusion(const ServingBundle& bundle,
                         const v1::Fusion& fusion) {
  if (!v1::Fusion::Policy_IsValid(fusion.policy())) {
    return FieldError("fusion.policy", "{} is no known policy",
                      static_cast<int>(fusion.policy()));
  }
  // The conditions here and below are false for NaN.
  if (!(fusion.k0() >= 0 && std::isfinite(fusion.k0()))) {
    return FieldError("fusion.k0", "{} is not 0 or more", fusion.k0());
  }
  for (const auto& [name, weight] : fusion.weights()) {
    if (bundle.FindRetriever(name) < 0) {
      return FieldError(EntryPath("fusion.weights", name),
                        "no such retriever; version {} has {}",
                        bundle.bundle().version(), RetrieverNames(bundle));
    }
    if (!(weight >= 0 && std::isfinite(weight))) {
      return FieldError(EntryPath("fusion.weights", name),
                        "{} is not 0 or more", weight);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVector(const v1::Limits& limits, const Bundle& bundle,
                         std::string_view name, const v1::QueryVector& vector) {
  // The path is formatted only for an error.
  const auto path = [&] { return EntryPath("vectors", name); };
  const EmbeddingSpace* space = bundle.FindSpace(name);
  if (space == nullptr) {
    return FieldError(path(), "no such space; version {} has {}",
                      bundle.version(), SpaceNames(bundle));
  }
  if (vector.values_size() > limits.max_vector_dim()) {
    return FieldError(path() + ".values",
                      "{} values, limits.max_vector_dim is {}",
                      vector.values_size(), limits.max_vector_dim());
  }
  if (vector.values_size() != space->spec->dim()) {
    return FieldError(path() + ".values", "{} values, expected {}",
                      vector.values_size(), space->spec->dim());
  }
  for (int i = 0; i < vector.values_size(); ++i) {
    if (std::isfinite(vector.values(i))) continue;
    return FieldError(fmt::format("{}.values[{}]", path(), i),
                      "{} is not a finite number", vector.values(i));
  }
  if (!vector.fingerprint().empty() &&
      vector.fingerprint() != space->spec->fingerprint()) {
    return FieldError(path() + ".fingerprint",
                      "the vector is of another model; version {} has \"{}\"",
                      bundle.version(), space->spec->fingerprint());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRequest(const v1::ServerConfig& config,
                          const ServingBundle& bundle,
                          const v1::RetrieveRequest& request) {
  const v1::Limits& limits = config.limits();
  if (request.bundle_version() != 0 &&
      request.bundle_version() != bundle.bundle().version()) {
    return FieldError("bundle_version", "{}, but version {} answers this call",
                      request.bundle_version(), bundle.bundle().version());
  }
  if (request.k() > limits.max_k()) {
    return FieldError("k", "{}, limits.max_k is {}", request.k(),
                      limits.max_k());
  }
  if (!v1::View_IsValid(request.view())) {
    return FieldError("view", "{} is no known view",
                      static_cast<int>(request.view()));
  }
  RETURN_IF_ERROR(CheckKeyBytes("user_key", request.user_key(), limits));
  RETURN_IF_ERROR(CheckKeyBytes("segment", request.segment(), limits));
  RETURN_IF_ERROR(CheckLists(limits, request));
  RETURN_IF_ERROR(CheckQuotas(config, bundle, request));
  RETURN_IF_ERROR(CheckFusion(bundle, request.fusion()));
  for (const auto& [name, vector] : request.vectors()) {
    RETURN_IF_ERROR(CheckVector(limits, bundle.bundle(), name, vector));
  }
  return absl::OkStatus();
}

}  // namespace tributary
