#include "server/http/json_call.h"

#include <utility>

#include "server/http/json_retrieval.h"
#include "server/service/fixed_level.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Deletes itself when it has answered.
class JsonCall final : public RequestCall {
 public:
  JsonCall(const RetrievalHandler* handler, std::string json,
           Criticality criticality, SharedRights rights,
           std::shared_ptr<const std::atomic<bool>> cancelled,
           std::function<void(absl::StatusOr<std::string>)> done,
           CallTrace* trace)
      : handler_(handler),
        json_(std::move(json)),
        rights_(std::move(rights)),
        cancelled_(std::move(cancelled)),
        done_(std::move(done)),
        trace_(trace) {
    terms_ = JsonTermsOf(*handler_, json_.size(), criticality);
    terms_.fixed_level = FixedLevelInJson(json_);
  }

  bool Run(const RunTerms& terms) override {
    const CallScope scope(trace_ == nullptr ? nullptr : trace_->id());
    RetrieveOptions options(terms_.deadline);
    options.level = terms.level;
    options.cancelled = cancelled_.get();
    if (trace_ != nullptr) options.stages = trace_->stages();
    if (rights_ != nullptr) options.profiles = &rights_->retrieve_profiles;
    reply_ = Reply(options);
    return true;
  }
  void Answer() override { End(std::move(reply_)); }
  void Refuse(const absl::Status& error) override { End(error); }
  bool cancelled() const override {
    return cancelled_->load(std::memory_order_relaxed);
  }

 private:
  absl::StatusOr<std::string> Reply(const RetrieveOptions& options) const {
    v1::RetrieveRequest request;
    RETURN_IF_ERROR(ParseRetrieveRequest(json_, &request));
    // A token that was not seen when the call was admitted.
    const v1::ServiceLevel fixed = FixedLevel(request.page_token());
    if (fixed < terms_.fixed_level && fixed < options.level) {
      return absl::ResourceExhaustedError(
          "page_token: the server has too much to do for a page of this list");
    }
    v1::RetrieveResponse response;
    RETURN_IF_ERROR(handler_->Retrieve(request, options, &response));
    return PrintRetrieveResponse(response);
  }

  void End(absl::StatusOr<std::string> reply) {
    done_(std::move(reply));
    delete this;
  }

  const RetrievalHandler* const handler_;
  const std::string json_;
  const SharedRights rights_;
  const std::shared_ptr<const std::atomic<bool>> cancelled_;
  const std::function<void(absl::StatusOr<std::string>)> done_;
  // Belongs to done_.
  CallTrace* const trace_;
  absl::StatusOr<std::string> reply_ = absl::UnknownError("not run");
};

}  // namespace

CallTerms JsonTermsOf(const RetrievalHandler& handler, size_t json_bytes,
                      Criticality criticality) {
  CallTerms terms = handler.TermsOf(
      {}, SteadyTime::max(),
      json_bytes > kInteractiveJsonBytes ? Criticality::kBatch : criticality);
  terms.units += kUnitsPerJsonByte * static_cast<double>(json_bytes);
  return terms;
}

void StartJsonCall(const RetrievalHandler* handler, RequestExecutor* executor,
                   std::string json, Criticality criticality,
                   SharedRights rights,
                   std::shared_ptr<const std::atomic<bool>> cancelled,
                   std::function<void(absl::StatusOr<std::string>)> done,
                   CallTrace* trace) {
  auto* const call =
      new JsonCall(handler, std::move(json), criticality, std::move(rights),
                   std::move(cancelled), std::move(done), trace);
  executor->Submit(call, RequestExecutor::Thread::kMayNotRun);
}

}  // namespace tributary
