#ifndef TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
#define TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_

#include <string>

#include "absl/status/status.h"
#include "server/pipeline/pipeline.h"
#include "server/service/admission.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The Retrieval service without its transport, which gRPC and HTTP share:
// admits the call, finds the bundle that answers it, and runs the pipeline. All
// work is done on the caller's thread. Thread-safe.
class RetrievalHandler {
 public:
  // The arguments outlive this.
  RetrievalHandler(const Admission* admission, const BundleSet* bundles,
                   const Pipeline* pipeline)
      : admission_(admission), bundles_(bundles), pipeline_(pipeline) {}

  // Replaces *bytes by the reply, a RetrieveResponse in protobuf's wire format.
  // retrieval.proto lists the errors; *bytes is unspecified after one.
  // Allocates nothing in the steady state, like Pipeline::Retrieve.
  absl::Status Retrieve(const v1::RetrieveRequest& request, SteadyTime deadline,
                        std::string* bytes) const;
  // The same reply as a message.
  absl::Status Retrieve(const v1::RetrieveRequest& request, SteadyTime deadline,
                        v1::RetrieveResponse* response) const;
  // Replaces *bytes by a BatchRetrieveResponse in wire format. INVALID_ARGUMENT
  // also when the requests do not all name the same bundle_version and the same
  // bundle_label. If they name neither, the active version answers all of them,
  // whatever labels their users' buckets have.
  absl::Status BatchRetrieve(const v1::BatchRetrieveRequest& request,
                             SteadyTime deadline, std::string* bytes) const;

 private:
  absl::Status Answer(const v1::RetrieveRequest& request, SteadyTime deadline,
                      Pipeline::ReplyFunction write) const;

  const Admission* const admission_;
  const BundleSet* const bundles_;
  const Pipeline* const pipeline_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
