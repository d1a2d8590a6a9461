#include "server/service/retrieval_handler.h"

#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

static_assert(v1::RetrieveResponse::kBundleLabelFieldNumber < 16 &&
              kMaxLabelBytes < 128);

// A message is its parts, one after the other: this one is added without
// telling the pipeline of labels. Allocates nothing once *reply is as large as
// it gets.
void SetLabel(const LabelName& label, std::string* reply) {
  const std::string_view name = label.view();
  if (name.empty()) return;
  reply->push_back(v1::RetrieveResponse::kBundleLabelFieldNumber << 3 | 2);
  reply->push_back(static_cast<char>(name.size()));
  reply->append(name);
}
void SetLabel(const LabelName& label, v1::RetrieveResponse* response) {
  response->set_bundle_label(std::string(label.view()));
}

// What a batch asks to be answered from; users' shares do not count.
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
  ASSIGN_OR_RETURN(RoutedBundle routed, bundles_->Route(request));
  RETURN_IF_ERROR(
      pipeline_->Retrieve(std::move(routed.bundle), request, deadline, reply));
  SetLabel(routed.label, reply);
  return absl::OkStatus();
}

absl::Status RetrievalHandler::BatchRetrieve(
    const v1::BatchRetrieveRequest& request, SteadyTime deadline,
    v1::BatchRetrieveResponse* response) const {
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, admission_->Admit());
  ASSIGN_OR_RETURN(const v1::RetrieveRequest choice, ChoiceOf(request));
  ASSIGN_OR_RETURN(const RoutedBundle routed, bundles_->Route(choice));
  RETURN_IF_ERROR(
      pipeline_->BatchRetrieve(routed.bundle, request, deadline, response));
  for (v1::BatchEntry& entry : *response->mutable_entries()) {
    if (entry.has_response()) SetLabel(routed.label, entry.mutable_response());
  }
  return absl::OkStatus();
}

}  // namespace tributary
