#include "server/rpc/retrieval_handler.h"

#include <memory>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The version that a batch asks for.
absl::StatusOr<uint64_t> VersionOf(const v1::BatchRetrieveRequest& batch) {
  if (batch.requests().empty()) return 0;
  const uint64_t version = batch.requests(0).bundle_version();
  for (int i = 1; i < batch.requests_size(); ++i) {
    if (batch.requests(i).bundle_version() == version) continue;
    return absl::InvalidArgumentError(fmt::format(
        "requests[{}].bundle_version: expected {} like the first, found {}", i,
        version, batch.requests(i).bundle_version()));
  }
  return version;
}

}  // namespace

absl::Status RetrievalHandler::Retrieve(const v1::RetrieveRequest& request,
                                        SteadyTime deadline,
                                        std::string* reply) const {
  return Answer(request, deadline, reply);
}

absl::Status RetrievalHandler::Retrieve(const v1::RetrieveRequest& request,
                                        SteadyTime deadline,
                                        v1::RetrieveResponse* response) const {
  return Answer(request, deadline, response);
}

template <typename Reply>
absl::Status RetrievalHandler::Answer(const v1::RetrieveRequest& request,
                                      SteadyTime deadline, Reply* reply) const {
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, admission_->Admit());
  ASSIGN_OR_RETURN(std::shared_ptr<const ServingBundle> bundle,
                   bundles_->Snapshot(request.bundle_version()));
  return pipeline_->Retrieve(std::move(bundle), request, deadline, reply);
}

absl::Status RetrievalHandler::BatchRetrieve(
    const v1::BatchRetrieveRequest& request, SteadyTime deadline,
    v1::BatchRetrieveResponse* response) const {
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, admission_->Admit());
  ASSIGN_OR_RETURN(const uint64_t version, VersionOf(request));
  ASSIGN_OR_RETURN(std::shared_ptr<const ServingBundle> bundle,
                   bundles_->Snapshot(version));
  return pipeline_->BatchRetrieve(bundle, request, deadline, response);
}

}  // namespace tributary
