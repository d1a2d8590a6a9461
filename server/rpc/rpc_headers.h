#ifndef TRIBUTARY_SERVER_RPC_RPC_HEADERS_H_
#define TRIBUTARY_SERVER_RPC_RPC_HEADERS_H_

#include <string>
#include <string_view>

#include "grpcpp/server_context.h"
#include "server/service/call_trace.h"
#include "server/tracing/trace_context.h"

namespace tributary {

// What the metadata of a call says of its name and its trace. `*joined` keeps
// what is in several entries of one name. Valid as long as both.
inline CallHeaders HeadersOf(const grpc::ServerContextBase& context,
                             std::string* joined) {
  const auto& metadata = context.client_metadata();
  const auto first = [&metadata](const char* name) {
    const auto found = metadata.find(name);
    return found == metadata.end()
               ? std::string_view()
               : std::string_view(found->second.data(), found->second.size());
  };
  CallHeaders headers = {.request_id = first(kRequestIdHeader),
                         .traceparent = first(kTraceparentHeader)};
  if (headers.traceparent.empty()) return headers;
  const auto states = metadata.equal_range(kTracestateHeader);
  for (auto state = states.first; state != states.second; ++state) {
    if (!joined->empty()) *joined += ',';
    joined->append(state->second.data(), state->second.size());
  }
  headers.tracestate = *joined;
  return headers;
}

// Puts the name of a call into its answer: into the initial metadata of a
// reply, and into the trailing metadata of an error. Initial metadata of an
// error would tell clients that an answer has begun, after which they do not
// retry.
template <typename Context>
void AnswerRequestId(const std::string& id, bool ok, Context* context) {
  if (id.empty()) return;
  if (ok) {
    context->AddInitialMetadata(kRequestIdHeader, id);
  } else {
    context->AddTrailingMetadata(kRequestIdHeader, id);
  }
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_RPC_HEADERS_H_
