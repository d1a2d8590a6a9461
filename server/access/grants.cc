#include "server/access/grants.h"

#include <algorithm>
#include <memory>

namespace tributary {
namespace {

constexpr std::string_view kAnyone = "anyone";

bool Concerns(const v1::Grant& grant,
              std::span<const std::string_view> principals) {
  return std::ranges::any_of(grant.who(), [&](const std::string& pattern) {
    return pattern == kAnyone ||
           std::ranges::any_of(principals, [&](std::string_view principal) {
             return IsWho(pattern, principal);
           });
  });
}

void AddProfiles(const v1::Grant& grant, ProfileGrant* profiles) {
  if (grant.profiles().empty()) profiles->AddAll();
  for (const std::string& name : grant.profiles()) profiles->Add(name);
}

void AddGrant(const v1::Grant& grant, Rights* rights) {
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (std::ranges::count(grant.roles(), kRoleNames[i]) == 0) continue;
    rights->roles[i] = true;
    const auto role = static_cast<AccessRole>(i);
    if (role == AccessRole::kRetrieve) {
      AddProfiles(grant, &rights->retrieve_profiles);
    } else if (role == AccessRole::kExplain) {
      AddProfiles(grant, &rights->explain_profiles);
    }
  }
}

}  // namespace

bool IsWho(std::string_view pattern, std::string_view principal) {
  if (!pattern.ends_with('*')) return pattern == principal;
  pattern.remove_suffix(1);
  return principal.starts_with(pattern);
}

SharedRights RightsOf(const google::protobuf::RepeatedPtrField<v1::Grant>& all,
                      std::span<const std::string_view> principals) {
  auto rights = std::make_shared<Rights>();
  for (const std::string_view principal : principals) {
    if (!rights->who.empty()) rights->who += ", ";
    rights->who += principal;
  }
  if (principals.empty()) rights->who = kAnyone;
  for (const v1::Grant& grant : all) {
    if (Concerns(grant, principals)) AddGrant(grant, rights.get());
  }
  return rights;
}

}  // namespace tributary
