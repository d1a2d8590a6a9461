#include "server/profiles/profiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "index/filter/where.h"
#include "status/field_error.h"
#include "status/nearest_name.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// The server's configuration with the defaults that the profile has.
v1::ServerConfig WithDefaultsOf(const v1::Profile& profile,
                                const v1::ServerConfig& config) {
  v1::ServerConfig own = config;
  // It is not needed within it.
  own.clear_profiles();
  v1::Defaults& defaults = *own.mutable_defaults();
  if (profile.k() > 0) defaults.set_k(profile.k());
  if (!profile.quotas().empty()) *defaults.mutable_quotas() = profile.quotas();
  if (profile.fusion().policy() != v1::Fusion::POLICY_UNSPECIFIED) {
    defaults.mutable_fusion()->set_policy(profile.fusion().policy());
  }
  if (!profile.fusion().weights().empty()) {
    *defaults.mutable_fusion()->mutable_weights() = profile.fusion().weights();
  }
  if (profile.fusion().k0() > 0) {
    defaults.mutable_fusion()->set_k0(profile.fusion().k0());
  }
  return own;
}

v1::RetrieveRequest ConditionsOf(const v1::Profile& profile) {
  v1::RetrieveRequest request;
  request.set_profile(profile.name());
  *request.mutable_caps() = profile.caps();
  for (const v1::ProfileBoost& given : profile.boosts()) {
    v1::Boost* const boost = request.add_boosts();
    boost->set_where(given.where());
    boost->set_factor(given.factor());
  }
  if (profile.has_decay()) *request.mutable_decay() = profile.decay();
  if (profile.has_diversity()) {
    *request.mutable_diversity() = profile.diversity();
  }
  return request;
}

v1::Predicate Parsed(const std::string& where) {
  if (where.empty()) return {};
  // CheckProfiles has parsed it before.
  return ParseWhere(where)->predicate;
}

// Adds `where` to what the filter asks for.
void AddWhere(const v1::Predicate& where, v1::Filter* filter) {
  if (!filter->has_predicate()) {
    *filter->mutable_predicate() = where;
    return;
  }
  v1::Predicate given;
  given.Swap(filter->mutable_predicate());
  v1::Predicates& all = *filter->mutable_predicate()->mutable_all();
  *all.add_predicates() = where;
  *all.add_predicates() = std::move(given);
}

void AddConditions(const v1::RetrieveRequest& conditions,
                   v1::RetrieveRequest* request) {
  if (request->caps().empty()) *request->mutable_caps() = conditions.caps();
  if (request->boosts().empty()) {
    *request->mutable_boosts() = conditions.boosts();
  }
  if (!request->has_decay() && conditions.has_decay()) {
    *request->mutable_decay() = conditions.decay();
  }
  if (!request->has_diversity() && conditions.has_diversity()) {
    *request->mutable_diversity() = conditions.diversity();
  }
}

}  // namespace

Profiles::Profiles(const v1::ServerConfig& config) : config_(config) {
  BucketSet taken;
  std::array<uint8_t, kUserBuckets> buckets{};
  for (const v1::Profile& profile : config.profiles()) {
    entries_.push_back({.config = WithDefaultsOf(profile, config),
                        .conditions = ConditionsOf(profile),
                        .where = Parsed(profile.where())});
    const auto wanted = static_cast<uint32_t>(
        std::min<int64_t>(std::llround(profile.share() * kUserBuckets),
                          kUserBuckets - static_cast<int64_t>(taken.count())));
    // A label of the same name must not take the same users.
    const BucketSet own =
        Resize("profile " + profile.name(), {}, taken, wanted);
    for (size_t i = 0; i < kUserBuckets; ++i) {
      if (own[i]) buckets[i] = static_cast<uint8_t>(entries_.size());
    }
    taken |= own;
  }
  if (taken.any()) {
    buckets_ = std::make_unique<std::array<uint8_t, kUserBuckets>>(buckets);
  }
}

std::vector<std::string_view> Profiles::names() const {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries_) {
    names.push_back(entry.conditions.profile());
  }
  return names;
}

absl::StatusOr<const Profiles::Entry*> Profiles::Find(
    const v1::RetrieveRequest& request, std::string_view profile) const {
  if (profile.empty()) {
    if (buckets_ == nullptr) return nullptr;
    const uint32_t bucket = BucketOf(request);
    const uint8_t index = bucket == kNoBucket ? 0 : (*buckets_)[bucket];
    return index == 0 ? nullptr : &entries_[index - 1U];
  }
  if (profile == kNoProfile) return nullptr;
  for (const Entry& entry : entries_) {
    if (entry.conditions.profile() == profile) return &entry;
  }
  return FieldError("profile", "{} is no profile of this server{}",
                    Quoted(profile),
                    entries_.empty() ? std::string(", which has none")
                                     : DidYouMean(profile, names()));
}

absl::StatusOr<ProfiledRequest> Profiles::Apply(
    const v1::RetrieveRequest& request, std::string_view profile,
    v1::RetrieveRequest* completed) const {
  ASSIGN_OR_RETURN(const Entry* const entry, Find(request, profile));
  if (entry == nullptr) {
    return ProfiledRequest{
        .profile = {}, .config = &config_, .request = &request};
  }
  *completed = request;
  AddConditions(entry->conditions, completed);
  if (entry->where.condition_case() != v1::Predicate::CONDITION_NOT_SET) {
    AddWhere(entry->where, completed->mutable_filter());
  }
  return ProfiledRequest{.profile = entry->conditions.profile(),
                         .config = &entry->config,
                         .request = completed};
}

}  // namespace tributary
