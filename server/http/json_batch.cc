#include "server/http/json_batch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/http/json_call.h"
#include "server/http/json_retrieval.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Looking at them takes a tenth of a millisecond.
constexpr size_t kMaxCountedBytes = 128 << 10;
// A request is an object in the list in the object of the batch.
constexpr int kRequestDepth = 3;

// Deletes itself when it has answered.
class JsonBatchCall final : public RequestCall {
 public:
  JsonBatchCall(const RetrievalHandler* handler, const v1::Limits* limits,
                std::string json, Criticality criticality, SharedRights rights,
                std::shared_ptr<const std::atomic<bool>> cancelled,
                std::function<void(absl::StatusOr<std::string>)> done,
                CallTrace* trace)
      : handler_(handler),
        limits_(limits),
        json_(std::move(json)),
        rights_(std::move(rights)),
        cancelled_(std::move(cancelled)),
        done_(std::move(done)),
        trace_(trace) {
    const std::vector<RequestOutline> counted(
        CountJsonRequests(json_, limits_->max_batch()));
    terms_ = handler_->TermsOf(counted, SteadyTime::max(),
                               json_.size() > kInteractiveJsonBytes
                                   ? Criticality::kBatch
                                   : criticality);
    terms_.units += kUnitsPerJsonByte * static_cast<double>(json_.size());
  }

  bool Run(const RunTerms& terms) override {
    const CallScope scope(trace_ == nullptr ? nullptr : trace_->id());
    const absl::StatusOr<bool> done = Continue(terms);
    if (done.ok() && !*done) return false;
    reply_ = done.ok() ? Reply() : done.status();
    return true;
  }
  void Answer() override { End(std::move(reply_)); }
  void Refuse(const absl::Status& error) override { End(error); }
  bool cancelled() const override {
    return cancelled_->load(std::memory_order_relaxed);
  }

 private:
  // Reads the text once, and answers entries until the slice ends.
  absl::StatusOr<bool> Continue(const RunTerms& terms) {
    if (!read_) {
      read_ = true;
      v1::BatchRetrieveRequest request;
      RETURN_IF_ERROR(ParseBatchRequest(json_, &request));
      json_.clear();
      bytes_ = request.SerializeAsString();
      RETURN_IF_ERROR(OutlineBatch(bytes_, *limits_, &batch_.entries));
      batch_.trace = trace_;
      if (trace_ != nullptr) {
        trace_->set_requests(static_cast<uint32_t>(batch_.entries.size()));
      }
    }
    RetrieveOptions options(terms_.deadline);
    options.level = terms.level;
    options.cancelled = cancelled_.get();
    if (trace_ != nullptr) options.stages = trace_->stages();
    if (rights_ != nullptr) options.profiles = &rights_->retrieve_profiles;
    return handler_->ContinueBatch(options, terms.slice_end, &batch_);
  }

  absl::StatusOr<std::string> Reply() const {
    v1::BatchRetrieveResponse response;
    if (!response.ParseFromString(batch_.bytes)) {
      return absl::InternalError("the reply to a batch cannot be read");
    }
    return PrintBatchResponse(response);
  }

  void End(absl::StatusOr<std::string> reply) {
    done_(std::move(reply));
    delete this;
  }

  const RetrievalHandler* const handler_;
  const v1::Limits* const limits_;
  // Empty once it is read.
  std::string json_;
  bool read_ = false;
  const SharedRights rights_;
  // The request in wire format, which the outlines of the entries view.
  std::string bytes_;
  BatchProgress batch_;
  const std::shared_ptr<const std::atomic<bool>> cancelled_;
  const std::function<void(absl::StatusOr<std::string>)> done_;
  // Belongs to done_.
  CallTrace* const trace_;
  absl::StatusOr<std::string> reply_ = absl::UnknownError("not run");
};

}  // namespace

size_t CountJsonRequests(std::string_view json, size_t most) {
  if (json.size() > kMaxCountedBytes) return most;
  size_t count = 0;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size() && count < most; ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      count += ++depth == kRequestDepth && c == '{' ? 1 : 0;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return count;
}

void StartJsonBatch(const RetrievalHandler* handler, const v1::Limits* limits,
                    RequestExecutor* executor, std::string json,
                    Criticality criticality, SharedRights rights,
                    std::shared_ptr<const std::atomic<bool>> cancelled,
                    std::function<void(absl::StatusOr<std::string>)> done,
                    CallTrace* trace) {
  auto* const call = new JsonBatchCall(
      handler, limits, std::move(json), criticality, std::move(rights),
      std::move(cancelled), std::move(done), trace);
  executor->Submit(call, RequestExecutor::Thread::kMayNotRun);
}

}  // namespace tributary
