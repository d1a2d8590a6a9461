#ifndef TRIBUTARY_SERVER_HTTP_JSON_BATCH_H_
#define TRIBUTARY_SERVER_HTTP_JSON_BATCH_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/service/criticality.h"
#include "server/service/request_executor.h"
#include "server/service/retrieval_handler.h"

namespace tributary {

// Answers a BatchRetrieveRequest in proto3 JSON, as StartJsonCall does a
// RetrieveRequest. `limits` outlives the call, too.
void StartJsonBatch(const RetrievalHandler* handler, const v1::Limits* limits,
                    RequestExecutor* executor, std::string json,
                    Criticality criticality, SharedRights rights,
                    std::shared_ptr<const std::atomic<bool>> cancelled,
                    std::function<void(absl::StatusOr<std::string>)> done,
                    CallTrace* trace = nullptr);

// How many requests the text of a batch seems to have, at most `most`: how
// many objects are in a list in an object. It is what the call is admitted for,
// before the text is parsed. A text that is too long to be looked at on the
// thread of all connections is taken to have `most`.
size_t CountJsonRequests(std::string_view json, size_t most);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_BATCH_H_
