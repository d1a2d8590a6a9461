#ifndef TRIBUTARY_SERVER_VERSIONS_AS_CONFIGURED_H_
#define TRIBUTARY_SERVER_VERSIONS_AS_CONFIGURED_H_

#include "absl/status/status.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Whether a version can be served as `defaults` say. FAILED_PRECONDITION, which
// names the field, for a retriever that the version lacks and that has a quota,
// a weight above 0, or a part of the fusion model there: without it, lists
// would be other ones than configured, and nobody would know. Shares that are
// built in, and those of the version's own model, may name what it lacks.
absl::Status CheckAsConfigured(const v1::Defaults& defaults,
                               const v1::Manifest& manifest);

// Whether a status is an error of CheckAsConfigured: the version itself may be
// good, and a server with another configuration can serve it.
bool IsNotAsConfigured(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_AS_CONFIGURED_H_
