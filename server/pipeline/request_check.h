#ifndef TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_
#define TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_

#include "absl/status/status.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Whether `request` is within the limits, consistent in itself, and names
// only what `bundle` has: INVALID_ARGUMENT, beginning with the field's path,
// otherwise. Unknown users, items and segments are no error.
absl::Status CheckRequest(const v1::ServerConfig& config,
                          const ServingBundle& bundle,
                          const v1::RetrieveRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_
