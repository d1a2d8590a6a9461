#include "server/service/retrieval_handler.h"

#include <string>

#include "fmt/format.h"
#include "server/pipeline/reply.h"
#include "server/pipeline/reply_encoding.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A request that names the version and the label that all requests of the batch
// name, and no user, so that no label is found by a user's bucket.
absl::StatusOr<v1::RetrieveRequest> ChoiceOf(
    const v1::BatchRetrieveRequest& batch) {
  v1::RetrieveRequest choice;
  if (batch.requests().empty()) return choice;
  choice.set_bundle_version(batch.requests(0).bundle_version());
  choice.set_bundle_label(batch.requests(0).bundle_label());
  for (int i = 1; i < batch.requests_size(); ++i) {
    const v1::RetrieveRequest& other = batch.requests(i);
    if (other.bundle_version() != choice.bundle_version()) {
      return absl::InvalidArgumentError(fmt::format(
          "requests[{}].bundle_version: expected {} like the first, found {}",
          i, choice.bundle_version(), other.bundle_version()));
    }
    if (other.bundle_label() != choice.bundle_label()) {
      return absl::InvalidArgumentError(fmt::format(
          "requests[{}].bundle_label: expected the same as the first's", i));
    }
  }
  return choice;
}

}  // namespace

absl::Status RetrievalHandler::Retrieve(const v1::RetrieveRequest& request,
                                        SteadyTime deadline,
                                        std::string* bytes) const {
  return Answer(request, deadline, [bytes](const Reply& reply) {
    EncodeReply(reply, bytes);
    return absl::OkStatus();
  });
}

absl::Status RetrievalHandler::Retrieve(const v1::RetrieveRequest& request,
                                        SteadyTime deadline,
                                        v1::RetrieveResponse* response) const {
  return Answer(request, deadline, [response](const Reply& reply) {
    return WriteMessage(reply, response);
  });
}

absl::Status RetrievalHandler::Answer(const v1::RetrieveRequest& request,
                                      SteadyTime deadline,
                                      Pipeline::ReplyFunction write) const {
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, admission_->Admit());
  ASSIGN_OR_RETURN(const RoutedBundle routed, bundles_->Route(request));
  return pipeline_->Retrieve(routed, request, deadline, write);
}

absl::Status RetrievalHandler::BatchRetrieve(
    const v1::BatchRetrieveRequest& request, SteadyTime deadline,
    std::string* bytes) const {
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, admission_->Admit());
  ASSIGN_OR_RETURN(const v1::RetrieveRequest choice, ChoiceOf(request));
  ASSIGN_OR_RETURN(const RoutedBundle routed, bundles_->Route(choice));
  return pipeline_->BatchRetrieve(routed, request, deadline, bytes);
}

}  // namespace tributary
