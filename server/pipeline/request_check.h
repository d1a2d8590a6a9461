#ifndef TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_
#define TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_

#include "absl/status/status.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// OK when `request` is within the limits, consistent, and names only retrievers
// and spaces of `bundle`; else INVALID_ARGUMENT with all that is wrong, each
// after the path of its field (see Violations). Unknown users, items and
// segments are not errors.
absl::Status CheckRequest(const v1::ServerConfig& config,
                          const ServingBundle& bundle,
                          const v1::RetrieveRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REQUEST_CHECK_H_
