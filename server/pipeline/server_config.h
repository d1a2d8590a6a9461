#ifndef TRIBUTARY_SERVER_PIPELINE_SERVER_CONFIG_H_
#define TRIBUTARY_SERVER_PIPELINE_SERVER_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Returns `given`, complete: every field without a value has the default that
// config.proto states. INVALID_ARGUMENT for a value out of range; the message
// begins with the path of the field, e.g. "limits.max_k: ...".
absl::StatusOr<v1::ServerConfig> CompleteServerConfig(v1::ServerConfig given);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_SERVER_CONFIG_H_
