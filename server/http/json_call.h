#ifndef TRIBUTARY_SERVER_HTTP_JSON_CALL_H_
#define TRIBUTARY_SERVER_HTTP_JSON_CALL_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/service/call_trace.h"
#include "server/service/criticality.h"
#include "server/service/request_executor.h"
#include "server/service/retrieval_handler.h"

namespace tributary {

// Answers a RetrieveRequest in proto3 JSON as a call of the executor, which
// admits or refuses it by JsonTermsOf. Returns at once; calls `done` exactly
// once, on any thread. `handler` and `executor` outlive the call. `rights` are
// the caller's; null where everybody may do everything. *trace, if it is not
// null, notes the call's stages, and lives as long as `done`.
void StartJsonCall(const RetrievalHandler* handler, RequestExecutor* executor,
                   std::string json, Criticality criticality,
                   SharedRights rights,
                   std::shared_ptr<const std::atomic<bool>> cancelled,
                   std::function<void(absl::StatusOr<std::string>)> done,
                   CallTrace* trace = nullptr);

// The terms of a request that has so many bytes. What it asks for is not known
// before it is parsed, so it is taken to cost what one without k and quotas
// does, and kUnitsPerJsonByte for each byte. One that is longer than
// kInteractiveJsonBytes waits behind all interactive calls, whatever its caller
// says: to parse four megabytes takes a thread a tenth of a second.
CallTerms JsonTermsOf(const RetrievalHandler& handler, size_t json_bytes,
                      Criticality criticality);

// A unit is some 36 ns (see CostUnits), and protobuf parses 50 to 100 MB of
// JSON in a second.
inline constexpr double kUnitsPerJsonByte = 0.5;
// 10,000 exclusions with keys of six bytes are shorter.
inline constexpr size_t kInteractiveJsonBytes = 128 << 10;

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_CALL_H_
