#include "server/http/json_status.h"

#include "google/protobuf/util/json_util.h"
#include "google/rpc/status.pb.h"
#include "server/service/rpc_status.h"

namespace tributary {

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string JsonOf(const absl::Status& status) {
  std::string json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(ToRpcStatus(status), &json);
  // Printing fails only when the message is not UTF-8.
  if (!printed.ok()) return "{\"code\":13,\"message\":\"unprintable\"}";
  return json;
}

}  // namespace tributary
