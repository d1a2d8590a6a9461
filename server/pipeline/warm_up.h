#ifndef TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_
#define TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_

#include <memory>

#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Retrieves residency.warm_queries times from `bundle`, for users spread over
// it, on the calling thread, so that the first requests find in the processor's
// caches and tables what searches read. Counted nowhere. What fails is no
// matter here: it is the gate's. `config` is complete.
void WarmUp(const v1::ServerConfig& config,
            const std::shared_ptr<const ServingBundle>& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_
