#ifndef TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_
#define TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_

#include <string>

#include "absl/status/status.h"

namespace tributary {

// The HTTP status for a gRPC code: 400 for INVALID_ARGUMENT, 404 for NOT_FOUND,
// 429 for RESOURCE_EXHAUSTED, 499 (as nginx has it) for CANCELLED, 503 for
// UNAVAILABLE, 504 for DEADLINE_EXCEEDED; 500 for codes without a counterpart.
int HttpStatusOf(absl::StatusCode code);

// ToRpcStatus(status), which has the details, as proto3 JSON.
std::string JsonOf(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_STATUS_H_
