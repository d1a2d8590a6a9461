#ifndef TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
#define TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/pipeline/pipeline.h"
#include "server/recording/recorder.h"
#include "server/service/call_trace.h"
#include "server/service/overload_control.h"
#include "server/service/request_outline.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A batch that is being answered. Its parts belong to RetrievalHandler.
struct BatchProgress {
  // Views the bytes of the call.
  std::vector<RequestOutline> entries;
  // The bundle that answers all of them; empty before the first.
  RoutedBundle routed;
  // How many entries are answered.
  size_t answered = 0;
  // The reply so far, or this part of it: a BatchRetrieveResponse in wire
  // format, and how many entries it has.
  std::string bytes;
  size_t in_part = 0;
  // A part is complete with so many entries, or bytes.
  size_t part_entries = std::numeric_limits<size_t>::max();
  size_t part_bytes = std::numeric_limits<size_t>::max();
  // Is told of each entry that was answered; may be null.
  CallTrace* trace = nullptr;

  bool done() const { return answered == entries.size(); }
};

// A request with caps is 1 + k / kKOfCappedWork times the work of one without,
// on average: where they leave the list short, sources are asked again for
// more. And one with diversity 1 + k / kKOfDiverseWork times: it asks for more
// at once, and chooses from it. docs/operations.md has the measurement.
inline constexpr double kKOfCappedWork = 60;
inline constexpr double kKOfDiverseWork = 150;

// The Retrieval service without its transport, which gRPC and HTTP share: finds
// the bundle that answers a call, and runs the pipeline. All work is done on
// the caller's thread; who may call, and when, is the RequestExecutor's
// business. Thread-safe.
class RetrievalHandler {
 public:
  // `config` is complete (see CompleteServerConfig). The other arguments
  // outlive this.
  RetrievalHandler(const v1::ServerConfig& config, const BundleSet* bundles,
                   const Pipeline* pipeline)
      : config_(config), bundles_(bundles), pipeline_(pipeline) {}

  // Has a share of what is answered kept; null: nothing. Only before the first
  // call. `recorder` outlives this.
  void set_recorder(Recorder* recorder) { recorder_ = recorder; }

  // The terms of a call that arrives now: what it costs, and its deadline, the
  // earlier of `deadline` and the configured one, which a batch has for each
  // entry. `requests` are its outlines.
  CallTerms TermsOf(std::span<const RequestOutline> requests,
                    SteadyTime deadline, Criticality criticality) const;

  // Replaces *bytes by the reply to the request that `bytes` of the outline
  // hold, a RetrieveResponse in protobuf's wire format. retrieval.proto lists
  // the errors; *bytes is unspecified after one. REQUIRES: request.status.ok().
  absl::Status Retrieve(const RequestOutline& request,
                        const RetrieveOptions& options,
                        std::string* bytes) const;
  // The reply to a message, as a message.
  absl::Status Retrieve(const v1::RetrieveRequest& request,
                        const RetrieveOptions& options,
                        v1::RetrieveResponse* response) const;

  // Answers further entries of the batch, one at least, until `slice_end`. True
  // when all are answered, or a part is complete: the caller then takes
  // batch->bytes, and continues with the next part unless batch->done(). An
  // error, after which the batch is not continued, is
  // that of the call: INVALID_ARGUMENT when the requests do not all name the
  // same bundle_version and the same bundle_label; what BundleSet::Route
  // returns; INVALID_ARGUMENT when the replies together exceed 2 GiB, the limit
  // of a protobuf message; CANCELLED. If the requests name neither
  // version nor label, the active version answers all of them, whatever labels
  // their users' buckets have.
  absl::StatusOr<bool> ContinueBatch(const RetrieveOptions& options,
                                     SteadyTime slice_end,
                                     BatchProgress* batch) const;

 private:
  // The bundle that answers the request: that of its first page, if it asks for
  // a later one; ABORTED when that is not resident any more.
  absl::StatusOr<RoutedBundle> Route(const v1::RetrieveRequest& request) const;
  absl::Status Answer(const RequestOutline& request,
                      const RetrieveOptions& options, std::string* bytes) const;
  absl::Status Answer(const v1::RetrieveRequest& request,
                      const RetrieveOptions& options,
                      v1::RetrieveResponse* response) const;
  absl::Status AnswerEntry(const RetrieveOptions& options,
                           BatchProgress* batch) const;
  // Answers the entry of a batch that is next, which is `message`.
  absl::Status AnswerMessage(const v1::RetrieveRequest& message,
                             const RetrieveOptions& options,
                             BatchProgress* batch) const;

  const v1::ServerConfig config_;
  const BundleSet* const bundles_;
  const Pipeline* const pipeline_;
  Recorder* recorder_ = nullptr;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_RETRIEVAL_HANDLER_H_
