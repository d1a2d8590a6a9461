#include "server/access/access_config.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "server/access/rights.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr int kMaxGrants = 256;
constexpr uint32_t kMaxSkewSeconds = 3600;

void CompleteAccessFields(v1::Access* access) {
  if (!access->has_tokens_file()) access->set_tokens_file("");
  if (!access->has_open_health()) access->set_open_health(true);
  if (!access->has_audit_file()) access->set_audit_file("");
  v1::Jwt* const jwt = access->mutable_jwt();
  if (!jwt->has_jwks_file()) jwt->set_jwks_file("");
  if (!jwt->has_issuer()) jwt->set_issuer("");
  if (!jwt->has_audience()) jwt->set_audience("");
  if (!jwt->has_clock_skew_seconds()) jwt->set_clock_skew_seconds(60);
}

absl::Status CheckJwt(const v1::Jwt& jwt) {
  if (!jwt.jwks_file().empty() && jwt.audience().empty()) {
    return FieldError("access.jwt.audience",
                      "expected what the tokens' aud must contain: without it, "
                      "tokens for other services would be accepted");
  }
  if (jwt.clock_skew_seconds() > kMaxSkewSeconds) {
    return FieldError("access.jwt.clock_skew_seconds",
                      "{} is not within 0 to {}", jwt.clock_skew_seconds(),
                      kMaxSkewSeconds);
  }
  return absl::OkStatus();
}

// What is wrong with an entry of `who`; empty for nothing.
std::string_view ProblemOfWho(const v1::Access& access, std::string_view who) {
  if (who == "anyone" || who == "socket") return {};
  const size_t star = who.find('*');
  if (star != std::string_view::npos && star + 1 != who.size()) {
    return "has a * that is not its end";
  }
  constexpr std::string_view kCert = "cert:";
  constexpr std::string_view kToken = "token:";
  constexpr std::string_view kJwt = "jwt:";
  if (who.starts_with(kCert) && who.size() > kCert.size()) return {};
  if (who.starts_with(kToken) && who.size() > kToken.size()) {
    return access.tokens_file().empty()
               ? "needs access.tokens_file, where tokens have their names"
               : std::string_view();
  }
  if (who.starts_with(kJwt) && who.size() > kJwt.size()) {
    return access.jwt().jwks_file().empty()
               ? "needs access.jwt.jwks_file, which verifies such tokens"
               : std::string_view();
  }
  return "is not cert:NAME, token:NAME, jwt:SUBJECT, socket or anyone";
}

absl::Status CheckGrant(const v1::Access& access,
                        const std::set<std::string>& profiles,
                        const std::string& path, const v1::Grant& grant) {
  if (grant.who().empty()) {
    return FieldError(path + ".who", "expected who has the roles");
  }
  if (grant.roles().empty()) {
    return FieldError(path + ".roles",
                      "expected some of retrieve, explain, observe, operate");
  }
  for (int i = 0; i < grant.who_size(); ++i) {
    const std::string_view problem = ProblemOfWho(access, grant.who(i));
    if (problem.empty()) continue;
    return FieldError(fmt::format("{}.who[{}]", path, i), "{:?} {}",
                      grant.who(i), problem);
  }
  for (int i = 0; i < grant.roles_size(); ++i) {
    if (std::ranges::count(kRoleNames, grant.roles(i)) > 0) continue;
    return FieldError(fmt::format("{}.roles[{}]", path, i),
                      "{:?} is not retrieve, explain, observe or operate",
                      grant.roles(i));
  }
  for (int i = 0; i < grant.profiles_size(); ++i) {
    if (grant.profiles(i) == "none" || profiles.contains(grant.profiles(i))) {
      continue;
    }
    return FieldError(fmt::format("{}.profiles[{}]", path, i),
                      "{:?} is not the name of a profile, nor none",
                      grant.profiles(i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Access> CompleteAccess(
    v1::Access given, const std::set<std::string>& profiles) {
  v1::Access access = std::move(given);
  CompleteAccessFields(&access);
  RETURN_IF_ERROR(CheckJwt(access.jwt()));
  if (access.grants_size() > kMaxGrants) {
    return FieldError("access.grants", "{} grants, expected at most {}",
                      access.grants_size(), kMaxGrants);
  }
  const bool has_tokens =
      !access.tokens_file().empty() || !access.jwt().jwks_file().empty();
  if (access.grants().empty() && (has_tokens || !access.open_health())) {
    return FieldError("access.grants",
                      "without any, everybody may do everything, whatever "
                      "they show; grant roles to those whom you know");
  }
  for (int i = 0; i < access.grants_size(); ++i) {
    RETURN_IF_ERROR(CheckGrant(access, profiles,
                               fmt::format("access.grants[{}]", i),
                               access.grants(i)));
  }
  return access;
}

}  // namespace tributary
