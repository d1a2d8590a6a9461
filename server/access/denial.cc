#include "server/access/denial.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr char kDomain[] = "tributary";
constexpr char kNotValidReason[] = "IDENTITY_NOT_VALID";

const char* ReasonOf(Denial denial) {
  switch (denial) {
    case Denial::kNoIdentity:
      return "NO_IDENTITY";
    case Denial::kNotValid:
      return kNotValidReason;
    case Denial::kRoleMissing:
      break;
  }
  return "ROLE_MISSING";
}

absl::Status WithInfo(absl::Status status, const google::rpc::ErrorInfo& info) {
  status.SetPayload(kErrorInfoPayload, absl::Cord(info.SerializeAsString()));
  return status;
}

}  // namespace

absl::Status DenyCall(Denial denial, std::string_view method, AccessRole role,
                      std::string_view why) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(ReasonOf(denial));
  (*info.mutable_metadata())["method"] = std::string(method);
  (*info.mutable_metadata())["role"] = std::string(RoleName(role));
  const std::string message =
      fmt::format("{} needs the role {}: {}", method, RoleName(role), why);
  return WithInfo(denial == Denial::kRoleMissing
                      ? absl::PermissionDeniedError(message)
                      : absl::UnauthenticatedError(message),
                  info);
}

absl::Status ProfileDenied(std::string_view profile) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason("PROFILE_NOT_GRANTED");
  (*info.mutable_metadata())["profile"] =
      profile.empty() ? "none" : std::string(profile);
  return WithInfo(
      absl::PermissionDeniedError(
          profile.empty()
              ? std::string("a request without a profile is not granted to "
                            "the caller")
              : fmt::format("the profile {} is not granted to the caller",
                            Quoted(profile))),
      info);
}

bool IsAboutToken(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoPayload);
  google::rpc::ErrorInfo info;
  return payload.has_value() && info.ParseFromString(std::string(*payload)) &&
         info.reason() == kNotValidReason;
}

}  // namespace tributary
