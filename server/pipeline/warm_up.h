#ifndef TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_
#define TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_

#include <memory>

#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Retrieves for residency.warm_queries users spread over `bundle`, on the
// calling thread, so that its first requests find the data that searches read
// in the processor's caches and TLBs. These requests are not counted in
// metrics, and their errors are ignored: the gate checks the bundle. `config`
// is complete (see CompleteServerConfig).
void WarmUp(const v1::ServerConfig& config,
            const std::shared_ptr<const ServingBundle>& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_WARM_UP_H_
