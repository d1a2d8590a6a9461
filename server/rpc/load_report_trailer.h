#ifndef TRIBUTARY_SERVER_RPC_LOAD_REPORT_TRAILER_H_
#define TRIBUTARY_SERVER_RPC_LOAD_REPORT_TRAILER_H_

#include "grpcpp/server_context.h"
#include "server/load_reports/load_meter.h"

namespace tributary {

// Adds the latest load report to the trailers of an answer that is not sent
// yet. Without effect when `meter` is null.
inline void AddLoadReport(const LoadMeter* meter,
                          grpc::ServerContextBase* context) {
  if (meter == nullptr) return;
  context->AddTrailingMetadata("endpoint-load-metrics-bin",
                               meter->Latest()->bytes);
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_LOAD_REPORT_TRAILER_H_
