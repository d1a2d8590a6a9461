#include "server/service/retrieval_handler.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "fmt/format.h"
#include "server/pages/page_token.h"
#include "server/pipeline/reply.h"
#include "server/pipeline/reply_encoding.h"
#include "server/pipeline/stage_times.h"
#include "server/process/call_id.h"
#include "server/service/fixed_level.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The name of the call that this thread works for; empty for none.
std::string RecordedId() {
  const CallId* const call = CurrentCall();
  return call == nullptr ? std::string() : call->Text();
}

using Clock = std::chrono::steady_clock;

// The longest message that protobuf parses.
constexpr size_t kMaxMessageBytes = std::numeric_limits<int32_t>::max();
// How many sources a request without quotas is taken to have, unless the
// configuration names them.
constexpr uint32_t kDefaultSources = 4;

absl::Status Parse(const RequestOutline& outline,
                   v1::RetrieveRequest* request) {
  if (request->ParseFromArray(outline.bytes.data(),
                              static_cast<int>(outline.bytes.size()))) {
    return absl::OkStatus();
  }
  return WhyUnparsable(outline.bytes);
}

// What the stages view is valid as long as the bundle.
void KeepBundle(RoutedBundle routed, const RetrieveOptions& options) {
  if (options.stages != nullptr) options.stages->from = std::move(routed);
}

// A request that names the version and the label that all requests of the batch
// name, and no user, so that no label is found by a user's bucket.
absl::StatusOr<v1::RetrieveRequest> ChoiceOf(
    std::span<const RequestOutline> entries) {
  v1::RetrieveRequest choice;
  if (entries.empty()) return choice;
  choice.set_bundle_version(entries[0].bundle_version);
  choice.set_bundle_label(std::string(entries[0].bundle_label));
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].bundle_version != choice.bundle_version()) {
      return absl::InvalidArgumentError(fmt::format(
          "requests[{}].bundle_version: expected {} like the first, found {}",
          i, choice.bundle_version(), entries[i].bundle_version));
    }
    if (entries[i].bundle_label != choice.bundle_label()) {
      return absl::InvalidArgumentError(fmt::format(
          "requests[{}].bundle_label: expected the same as the first's", i));
    }
  }
  return choice;
}

}  // namespace

CallTerms RetrievalHandler::TermsOf(std::span<const RequestOutline> requests,
                                    SteadyTime deadline,
                                    Criticality criticality) const {
  const v1::Defaults& defaults = config_.defaults();
  CallTerms terms;
  terms.arrived = Clock::now();
  terms.requests = static_cast<uint32_t>(std::max<size_t>(requests.size(), 1));
  terms.deadline = std::min(
      deadline, terms.arrived + terms.requests * std::chrono::milliseconds(
                                                     defaults.deadline_ms()));
  terms.criticality = criticality;
  const uint32_t default_sources =
      defaults.quotas().empty() ? kDefaultSources
                                : static_cast<uint32_t>(defaults.quotas_size());
  terms.units = 0;
  for (const RequestOutline& request : requests) {
    const uint32_t k = std::min(request.k == 0 ? defaults.k() : request.k,
                                config_.limits().max_k());
    double units =
        CostUnits(request.quotas == 0 ? default_sources : request.quotas, k);
    if (request.caps) units *= 1 + k / kKOfCappedWork;
    if (request.diversity) units *= 1 + k / kKOfDiverseWork;
    terms.units += units;
    terms.fixed_level =
        std::min(terms.fixed_level, FixedLevel(request.page_token));
  }
  if (requests.empty()) terms.units = CostUnits(default_sources, defaults.k());
  return terms;
}

absl::StatusOr<RoutedBundle> RetrievalHandler::Route(
    const v1::RetrieveRequest& request) const {
  if (request.page_token().empty()) return bundles_->Route(request);
  ASSIGN_OR_RETURN(const PageToken token, ParsePageToken(request.page_token()));
  v1::RetrieveRequest first;
  first.set_bundle_version(token.bundle_version);
  absl::StatusOr<RoutedBundle> routed = bundles_->Route(first);
  if (absl::IsNotFound(routed.status())) {
    return absl::AbortedError(
        fmt::format("page_token: version {}, which the first page came from, "
                    "is not resident any more; begin again without a token",
                    token.bundle_version));
  }
  if (!routed.ok() || token.bundle_label.empty()) return routed;
  // Anybody can write a token. Metrics and replies have no labels but those
  // that exist.
  v1::RetrieveRequest labelled;
  labelled.set_bundle_label(token.bundle_label);
  if (!absl::IsNotFound(bundles_->Route(labelled).status())) {
    routed->label = LabelName(token.bundle_label);
  }
  return routed;
}

absl::Status RetrievalHandler::Retrieve(const RequestOutline& request,
                                        const RetrieveOptions& options,
                                        std::string* bytes) const {
  if (recorder_ == nullptr || !recorder_->Samples()) {
    return Answer(request, options, bytes);
  }
  const SteadyTime start = Clock::now();
  const absl::Status status = Answer(request, options, bytes);
  recorder_->Offer({.request_id = RecordedId(),
                    .request = std::string(request.bytes),
                    .status = status,
                    .response = status.ok() ? *bytes : std::string(),
                    .took = Clock::now() - start});
  return status;
}

absl::Status RetrievalHandler::Retrieve(const v1::RetrieveRequest& request,
                                        const RetrieveOptions& options,
                                        v1::RetrieveResponse* response) const {
  if (recorder_ == nullptr || !recorder_->Samples()) {
    return Answer(request, options, response);
  }
  const SteadyTime start = Clock::now();
  const absl::Status status = Answer(request, options, response);
  recorder_->Offer(
      {.request_id = RecordedId(),
       .request = request.SerializeAsString(),
       .status = status,
       .response = status.ok() ? response->SerializeAsString() : std::string(),
       .took = Clock::now() - start});
  return status;
}

absl::Status RetrievalHandler::Answer(const RequestOutline& request,
                                      const RetrieveOptions& options,
                                      std::string* bytes) const {
  v1::RetrieveRequest message;
  RETURN_IF_ERROR(Parse(request, &message));
  ASSIGN_OR_RETURN(RoutedBundle routed, Route(message));
  absl::Status status = pipeline_->Retrieve(routed, message, options,
                                            [bytes](const Reply& reply) {
                                              EncodeReply(reply, bytes);
                                              return absl::OkStatus();
                                            });
  KeepBundle(std::move(routed), options);
  return status;
}

absl::Status RetrievalHandler::Answer(const v1::RetrieveRequest& request,
                                      const RetrieveOptions& options,
                                      v1::RetrieveResponse* response) const {
  ASSIGN_OR_RETURN(RoutedBundle routed, Route(request));
  absl::Status status = pipeline_->Retrieve(
      routed, request, options,
      [response](const Reply& reply) { return WriteMessage(reply, response); });
  KeepBundle(std::move(routed), options);
  return status;
}

absl::StatusOr<bool> RetrievalHandler::ContinueBatch(
    const RetrieveOptions& options, SteadyTime slice_end,
    BatchProgress* batch) const {
  if (batch->routed.bundle == nullptr) {
    ASSIGN_OR_RETURN(const v1::RetrieveRequest choice,
                     ChoiceOf(batch->entries));
    ASSIGN_OR_RETURN(batch->routed, bundles_->Route(choice));
    if (options.stages != nullptr) options.stages->from = batch->routed;
  }
  while (!batch->done() && batch->in_part < batch->part_entries &&
         batch->bytes.size() < batch->part_bytes) {
    RETURN_IF_ERROR(AnswerEntry(options, batch));
    ++batch->answered;
    ++batch->in_part;
    if (Clock::now() >= slice_end && !batch->done()) return false;
  }
  AppendBatchVersion(batch->routed.bundle->bundle().version(), &batch->bytes);
  batch->in_part = 0;
  return true;
}

absl::Status RetrievalHandler::AnswerMessage(const v1::RetrieveRequest& message,
                                             const RetrieveOptions& options,
                                             BatchProgress* batch) const {
  if (recorder_ == nullptr || !recorder_->Samples()) {
    return pipeline_->Retrieve(batch->routed, message, options,
                               [batch](const Reply& reply) {
                                 return AppendBatchEntry(reply, &batch->bytes);
                               });
  }
  const SteadyTime start = Clock::now();
  std::string kept;
  const absl::Status status = pipeline_->Retrieve(
      batch->routed, message, options, [batch, &kept](const Reply& reply) {
        EncodeReply(reply, &kept);
        return AppendBatchEntry(reply, &batch->bytes);
      });
  if (!status.ok()) kept.clear();
  recorder_->Offer(
      {.request_id = RecordedId(),
       .request = std::string(batch->entries[batch->answered].bytes),
       .status = status,
       .response = std::move(kept),
       .took = Clock::now() - start});
  return status;
}

absl::Status RetrievalHandler::AnswerEntry(const RetrieveOptions& options,
                                           BatchProgress* batch) const {
  const RequestOutline& entry = batch->entries[batch->answered];
  v1::RetrieveRequest message;
  absl::Status status = entry.status;
  if (status.ok() && Clock::now() >= options.deadline) {
    status = absl::DeadlineExceededError(
        "the batch's deadline passed before this request");
  }
  if (status.ok()) status = Parse(entry, &message);
  if (status.ok()) {
    status = AnswerMessage(message, options, batch);
    if (batch->trace != nullptr) {
      batch->trace->EntryAnswered(batch->answered, status);
    }
  }
  // Nobody reads the other entries either.
  if (absl::IsCancelled(status)) return status;
  if (!status.ok()) AppendBatchError(status, &batch->bytes);
  if (batch->bytes.size() > kMaxMessageBytes) {
    return FieldError(
        "requests", "the replies together exceed 2 GiB; send fewer at a time");
  }
  return absl::OkStatus();
}

}  // namespace tributary
