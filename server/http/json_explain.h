#ifndef TRIBUTARY_SERVER_HTTP_JSON_EXPLAIN_H_
#define TRIBUTARY_SERVER_HTTP_JSON_EXPLAIN_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/explain/explain_calls.h"
#include "server/service/call_trace.h"

namespace tributary {

// Answers an ExplainRequest in proto3 JSON. Returns at once; calls `done`
// exactly once, on any thread. `calls` outlives the call. `rights` are the
// caller's; null where everybody may do everything.
void StartJsonExplain(ExplainCalls* calls, std::string json,
                      SharedRights rights,
                      std::shared_ptr<const std::atomic<bool>> cancelled,
                      std::function<void(absl::StatusOr<std::string>)> done,
                      CallTrace* trace = nullptr);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_EXPLAIN_H_
