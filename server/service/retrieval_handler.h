#ifndef TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
#define TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_

#include <string>

#include "absl/status/status.h"
#include "server/pipeline/pipeline.h"
#include "server/service/admission.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The Retrieval service without its transport, shared by gRPC and HTTP:
// admission, snapshot, pipeline. Runs on the caller's thread. Thread-safe.
class RetrievalHandler {
 public:
  // All outlive this.
  RetrievalHandler(const Admission* admission, const BundleSet* bundles,
                   const Pipeline* pipeline)
      : admission_(admission), bundles_(bundles), pipeline_(pipeline) {}

  // See retrieval.proto for the errors. The answer, here in protobuf's wire
  // format, is unspecified after one.
  absl::Status Retrieve(const v1::RetrieveRequest& request, SteadyTime deadline,
                        std::string* reply) const;
  // The same as a message.
  absl::Status Retrieve(const v1::RetrieveRequest& request, SteadyTime deadline,
                        v1::RetrieveResponse* response) const;
  // INVALID_ARGUMENT, besides, unless all requests name the same bundle_version
  // and bundle_label. Without any the active version answers all of them,
  // whatever label their users' shares fall to.
  absl::Status BatchRetrieve(const v1::BatchRetrieveRequest& request,
                             SteadyTime deadline,
                             v1::BatchRetrieveResponse* response) const;

 private:
  template <typename Reply>
  absl::Status Answer(const v1::RetrieveRequest& request, SteadyTime deadline,
                      Reply* reply) const;

  const Admission* const admission_;
  const BundleSet* const bundles_;
  const Pipeline* const pipeline_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
