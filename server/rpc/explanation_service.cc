#include "server/rpc/explanation_service.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "grpcpp/support/slice.h"
#include "server/process/call_id.h"
#include "server/rpc/load_report_trailer.h"
#include "server/rpc/rpc_headers.h"
#include "server/rpc/status_to_grpc.h"
#include "server/service/explain_bytes.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using ExplainClock = std::chrono::steady_clock;

// The call's deadline on the steady clock. One that is far away is none.
SteadyTime ExplainDeadlineOf(const grpc::CallbackServerContext& context) {
  using std::chrono::system_clock;
  const auto now = system_clock::now();
  const system_clock::time_point deadline = context.deadline();
  if (deadline > now + 2 * kExplainDeadline) return SteadyTime::max();
  return ExplainClock::now() + (deadline - now);
}

absl::Status ReadExplainBuffer(const v1::Limits& limits,
                               grpc::ByteBuffer buffer,
                               v1::ExplainRequest* request) {
  if (buffer.Length() > limits.max_request_bytes()) {
    return FieldError("request", "{} bytes, limits.max_request_bytes is {}",
                      buffer.Length(), limits.max_request_bytes());
  }
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) {
    return FieldError("request", "the bytes cannot be decompressed");
  }
  return ParseExplainBytes(
      {reinterpret_cast<const char*>(slice.begin()), slice.size()}, limits,
      request);
}

// One call. Deletes itself when gRPC is done with it.
class ExplainReactor final : public grpc::ServerUnaryReactor {
 public:
  ExplainReactor(grpc::CallbackServerContext* context, CallTracer* tracer,
                 const CallMethod* method, const LoadMeter* load_meter,
                 grpc::ByteBuffer* response, MethodMetrics* metrics)
      : context_(context),
        load_meter_(load_meter),
        response_(response),
        metrics_(metrics) {
    std::string joined;
    trace_.Begin(tracer, method, HeadersOf(*context, &joined), start_);
  }

  CallTrace& trace() { return trace_; }

  const std::shared_ptr<std::atomic<bool>>& cancelled() const {
    return cancelled_;
  }

  void Answer(const absl::StatusOr<v1::ExplainResponse>& response) {
    metrics_->Handled(response.status().code(), ExplainClock::now() - start_);
    if (response.ok()) trace_.set_version(response->bundle_version());
    AnswerRequestId(trace_.End(response.status()), response.ok(), context_);
    AddLoadReport(load_meter_, context_);
    if (!response.ok()) return Finish(ToGrpcStatus(response.status()));
    const grpc::Slice slice(response->SerializeAsString());
    *response_ = grpc::ByteBuffer(&slice, 1);
    Finish(grpc::Status::OK);
  }

  void OnCancel() override {
    cancelled_->store(true, std::memory_order_relaxed);
  }
  void OnDone() override { delete this; }

 private:
  // It lives as long as this.
  grpc::CallbackServerContext* const context_;
  const LoadMeter* const load_meter_;
  grpc::ByteBuffer* const response_;
  MethodMetrics* const metrics_;
  const SteadyTime start_ = ExplainClock::now();
  CallTrace trace_;
  // The work may outlast the call.
  const std::shared_ptr<std::atomic<bool>> cancelled_ =
      std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

ExplanationService::ExplanationService(const v1::ServerConfig& config,
                                       ExplainCalls* calls,
                                       ServerMetrics* metrics,
                                       const CallerCheck* callers,
                                       CallTracer* tracer)
    : limits_(config.limits()),
      calls_(calls),
      metrics_(metrics->AddMethod("tributary.v1.Explanation", "Explain")),
      callers_(callers),
      tracer_(tracer),
      method_({.rpc_service = "tributary.v1.Explanation",
               .rpc_method = "Explain",
               .listener = config.listen()}) {}

grpc::ServerUnaryReactor* ExplanationService::Explain(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  auto* const reactor = new ExplainReactor(context, tracer_, &method_,
                                           load_meter_, response, &metrics_);
  SharedRights rights;
  if (callers_ != nullptr) {
    const CallScope deciding(reactor->trace().id());
    auto allowed = callers_->Allow(*context, AccessRole::kExplain,
                                   "/tributary.v1.Explanation/Explain");
    if (!allowed.ok()) {
      reactor->Answer(allowed.status());
      return reactor;
    }
    rights = *std::move(allowed);
  }
  const CallScope scope(reactor->trace().id());
  // A ByteBuffer's copies share its bytes.
  calls_->Start(
      [this, reactor, bytes = *request](v1::ExplainRequest* parsed) {
        reactor->trace().Ran(ExplainClock::now());
        return ReadExplainBuffer(limits_, bytes, parsed);
      },
      ExplainDeadlineOf(*context), reactor->cancelled(),
      [reactor](const absl::StatusOr<v1::ExplainResponse>& answer) {
        reactor->Answer(answer);
      },
      std::move(rights));
  return reactor;
}

}  // namespace tributary
