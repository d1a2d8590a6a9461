#ifndef TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_
#define TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_

#include <string>

#include "absl/status/status.h"

namespace tributary {

// The HTTP status that stands for a gRPC code: 400 for INVALID_ARGUMENT, 404,
// 429, 503, 504 and so on.
int HttpStatusOf(absl::StatusCode code);

// google.rpc.Status with its details as proto3 JSON.
std::string JsonOf(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_
