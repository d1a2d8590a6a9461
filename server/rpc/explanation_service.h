#ifndef TRIBUTARY_SERVER_RPC_EXPLANATION_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_EXPLANATION_SERVICE_H_

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/explain/explain_calls.h"
#include "server/load_reports/load_meter.h"
#include "server/metrics/server_metrics.h"
#include "server/rpc/caller_check.h"
#include "server/service/call_trace.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/explain.grpc.pb.h"

namespace tributary {

// tributary.v1.Explanation over gRPC. A call holds no thread of gRPC's while it
// is worked on, and its bytes become a message only when it is its turn.
// Thread-safe.
class ExplanationService final
    : public v1::Explanation::WithRawCallbackMethod_Explain<
          v1::Explanation::Service> {
 public:
  // `config` is complete. The other arguments outlive this.
  ExplanationService(const v1::ServerConfig& config, ExplainCalls* calls,
                     ServerMetrics* metrics,
                     const CallerCheck* callers = nullptr,
                     CallTracer* tracer = nullptr);

  // As RetrievalService::set_load_meter.
  void set_load_meter(const LoadMeter* meter) { load_meter_ = meter; }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

 private:
  const v1::Limits limits_;
  ExplainCalls* const calls_;
  MethodMetrics& metrics_;
  // Null: everybody may call.
  const CallerCheck* const callers_;
  const LoadMeter* load_meter_ = nullptr;
  // Tells of calls when they are over; may be null.
  CallTracer* const tracer_;
  const CallMethod method_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_EXPLANATION_SERVICE_H_
