#include "server/profiles/profiles_config.h"

#include <cmath>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "index/bundle/fusion_model.h"
#include "index/filter/attribute_time.h"
#include "index/filter/where.h"
#include "server/profiles/profiles.h"
#include "server/versions/serving_record.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr int kMaxProfileCaps = 8;
constexpr int kMaxProfileBoosts = 16;
constexpr double kMaxBoostFactor = 1000;

absl::Status CheckName(const v1::ServerConfig& config, int index,
                       const std::string& path) {
  const std::string& name = config.profiles(index).name();
  // The names of labels and profiles are one kind.
  if (!IsLabelName(name) || name == kNoProfile) {
    return FieldError(path + ".name",
                      "{} is not 1 to 63 of a-z, 0-9, '-' and '_', or is "
                      "\"stable\" or \"none\"",
                      Quoted(name));
  }
  for (int i = 0; i < index; ++i) {
    if (config.profiles(i).name() == name) {
      return FieldError(path + ".name", "{} is the name of profiles[{}], too",
                        Quoted(name), i);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckWhere(const std::string& where, const v1::Limits& limits,
                        const std::string& path) {
  if (where.size() > limits.max_where_bytes()) {
    return FieldError(path, "{} bytes, limits.max_where_bytes is {}",
                      where.size(), limits.max_where_bytes());
  }
  if (const auto parsed = ParseWhere(where); !parsed.ok()) {
    return FieldError(path, "{}", std::string(parsed.status().message()));
  }
  return absl::OkStatus();
}

absl::Status CheckQuotasAndFusion(const v1::Profile& profile,
                                  const v1::Limits& limits,
                                  const std::string& path) {
  if (profile.has_k() && (profile.k() < 1 || profile.k() > limits.max_k())) {
    return FieldError(path + ".k", "{} is not within 1 to limits.max_k, {}",
                      profile.k(), limits.max_k());
  }
  if (profile.quotas_size() > static_cast<int>(limits.max_quotas())) {
    return FieldError(path + ".quotas", "{} quotas, limits.max_quotas is {}",
                      profile.quotas_size(), limits.max_quotas());
  }
  if (const auto shares = CheckQuotaShares(profile.quotas()); !shares.ok()) {
    // It begins with the index.
    return absl::InvalidArgumentError(
        fmt::format("{}.quotas{}", path, std::string(shares.message())));
  }
  const v1::Fusion& fusion = profile.fusion();
  if (!v1::Fusion::Policy_IsValid(fusion.policy())) {
    return FieldError(path + ".fusion.policy", "{} is no known policy",
                      static_cast<int>(fusion.policy()));
  }
  if (!(fusion.k0() >= 0 && std::isfinite(fusion.k0()))) {
    return FieldError(path + ".fusion.k0", "{} is not 0 or more", fusion.k0());
  }
  for (const auto& [name, weight] : fusion.weights()) {
    if (!(weight >= 0 && std::isfinite(weight))) {
      return FieldError(fmt::format("{}.fusion.weights[\"{}\"]", path, name),
                        "{} is not 0 or more", weight);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProfileCaps(const v1::Profile& profile,
                              const std::string& path) {
  if (profile.caps_size() > kMaxProfileCaps) {
    return FieldError(path + ".caps", "{} caps, at most {} are allowed",
                      profile.caps_size(), kMaxProfileCaps);
  }
  for (int i = 0; i < profile.caps_size(); ++i) {
    const std::string cap = fmt::format("{}.caps[{}]", path, i);
    if (profile.caps(i).attribute().empty()) {
      return FieldError(cap + ".attribute", "expected the attribute's name");
    }
    if (profile.caps(i).max() == 0) {
      return FieldError(cap + ".max", "0, expected at least 1");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProfileBoosts(const v1::Profile& profile,
                                const v1::Limits& limits,
                                const std::string& path) {
  if (profile.boosts_size() > kMaxProfileBoosts) {
    return FieldError(path + ".boosts", "{} boosts, at most {} are allowed",
                      profile.boosts_size(), kMaxProfileBoosts);
  }
  size_t text_bytes = 0;
  for (int i = 0; i < profile.boosts_size(); ++i) {
    const v1::ProfileBoost& boost = profile.boosts(i);
    const std::string name = fmt::format("{}.boosts[{}]", path, i);
    if (boost.where().empty()) {
      return FieldError(name + ".where", "expected a condition");
    }
    RETURN_IF_ERROR(CheckWhere(boost.where(), limits, name + ".where"));
    // False for NaN.
    if (!(boost.factor() > 0 && boost.factor() <= kMaxBoostFactor)) {
      return FieldError(name + ".factor",
                        "{}, expected above 0, and at most {}", boost.factor(),
                        kMaxBoostFactor);
    }
    text_bytes += boost.where().size();
  }
  if (text_bytes > limits.max_where_bytes()) {
    return FieldError(path + ".boosts",
                      "{} bytes of where in all, limits.max_where_bytes is {}",
                      text_bytes, limits.max_where_bytes());
  }
  return absl::OkStatus();
}

absl::Status CheckProfileDecay(const v1::Decay& decay,
                               const std::string& path) {
  if (decay.attribute().empty()) {
    return FieldError(path + ".attribute", "expected the attribute's name");
  }
  if (!(decay.half_life_days() > 0 && std::isfinite(decay.half_life_days()))) {
    return FieldError(path + ".half_life_days",
                      "{}, expected a finite number above 0",
                      decay.half_life_days());
  }
  if (!(decay.floor() >= 0 && decay.floor() <= 1)) {
    return FieldError(path + ".floor", "{} is not within 0 to 1",
                      decay.floor());
  }
  if (!decay.at().empty() && !ParseAttributeTime(decay.at()).has_value()) {
    return FieldError(path + ".at",
                      "{} is no time; expected one such as "
                      "2026-11-30T12:00:00Z, or nothing for now",
                      Quoted(decay.at()));
  }
  return absl::OkStatus();
}

absl::Status CheckProfileDiversity(const v1::Diversity& diversity,
                                   const std::string& path) {
  if (diversity.space().empty()) {
    return FieldError(path + ".space", "expected the name of a vector space");
  }
  if (!(diversity.lambda() >= 0 && diversity.lambda() <= 1)) {
    return FieldError(path + ".lambda", "{} is not within 0 to 1",
                      diversity.lambda());
  }
  return absl::OkStatus();
}

absl::Status CheckProfile(const v1::ServerConfig& config, int index) {
  const v1::Profile& profile = config.profiles(index);
  const v1::Limits& limits = config.limits();
  const std::string path = fmt::format("profiles[{}]", index);
  RETURN_IF_ERROR(CheckName(config, index, path));
  if (!(profile.share() >= 0 && profile.share() <= 1)) {
    return FieldError(path + ".share", "{} is not within 0 to 1",
                      profile.share());
  }
  RETURN_IF_ERROR(CheckQuotasAndFusion(profile, limits, path));
  if (!profile.where().empty()) {
    RETURN_IF_ERROR(CheckWhere(profile.where(), limits, path + ".where"));
  }
  RETURN_IF_ERROR(CheckProfileCaps(profile, path));
  RETURN_IF_ERROR(CheckProfileBoosts(profile, limits, path));
  if (profile.has_decay()) {
    RETURN_IF_ERROR(CheckProfileDecay(profile.decay(), path + ".decay"));
  }
  if (profile.has_diversity()) {
    RETURN_IF_ERROR(
        CheckProfileDiversity(profile.diversity(), path + ".diversity"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckProfiles(const v1::ServerConfig& config) {
  if (config.profiles_size() > kMaxProfiles) {
    return FieldError("profiles", "{} profiles, at most {} are allowed",
                      config.profiles_size(), kMaxProfiles);
  }
  double shares = 0;
  for (int i = 0; i < config.profiles_size(); ++i) {
    RETURN_IF_ERROR(CheckProfile(config, i));
    shares += config.profiles(i).share();
  }
  // In floating point, ten times .1 is not exactly 1.
  if (shares > 1 + 1e-9) {
    return FieldError("profiles",
                      "the shares of all profiles together are {}; "
                      "expected at most 1",
                      shares);
  }
  return absl::OkStatus();
}

}  // namespace tributary
