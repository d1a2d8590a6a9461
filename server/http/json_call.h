#ifndef TRIBUTARY_SERVER_HTTP_JSON_CALL_H_
#define TRIBUTARY_SERVER_HTTP_JSON_CALL_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/service/criticality.h"
#include "server/service/request_executor.h"
#include "server/service/retrieval_handler.h"

namespace tributary {

// Answers a RetrieveRequest in proto3 JSON as a call of the executor, which
// admits or refuses it. Returns at once; calls `done` exactly once, on any
// thread. What the request asks for is not known before it is parsed, so it is
// taken to cost what one without k and quotas does. `handler` and `executor`
// outlive the call.
void StartJsonCall(const RetrievalHandler* handler, RequestExecutor* executor,
                   std::string json, Criticality criticality,
                   std::shared_ptr<const std::atomic<bool>> cancelled,
                   std::function<void(absl::StatusOr<std::string>)> done);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_CALL_H_
