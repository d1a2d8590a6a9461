// Requests and responses of the data plane as proto3 JSON. Thread-safe.
#ifndef TRIBUTARY_SERVER_HTTP_JSON_RETRIEVAL_H_
#define TRIBUTARY_SERVER_HTTP_JSON_RETRIEVAL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/explain.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Reads a request. INVALID_ARGUMENT: a message that begins with the path of the
// field whose value cannot be read, as "filter.exclude_item_ids[3]: expected
// uint64, found \"x\"", so that google.rpc.BadRequest is made of it; without a
// path, "not a RetrieveRequest: ...", where the text is no JSON. In a map, the
// path has the entry's position, as in "vectors[0].value".
//
// A text is looked through once before anything is allocated. It is refused
// when it nests deeper than kMaxJsonDepth, and when it has more than
// kMaxJsonStrings strings and objects: an empty string takes 3 bytes of JSON
// and some 40 of memory. Numbers cost less than five times their text.
absl::Status ParseRetrieveRequest(const std::string& json,
                                  v1::RetrieveRequest* request);
// The same for a BatchRetrieveRequest: "requests[0].k: ...".
absl::Status ParseBatchRequest(const std::string& json,
                               v1::BatchRetrieveRequest* request);
// The same for an ExplainRequest: "request.k: ...", "not an ExplainRequest".
absl::Status ParseExplainRequest(const std::string& json,
                                 v1::ExplainRequest* request);

// A reply as JSON. INTERNAL when it cannot be printed. REQUIRES: its keys are
// UTF-8.
absl::StatusOr<std::string> PrintRetrieveResponse(
    const v1::RetrieveResponse& response);
absl::StatusOr<std::string> PrintBatchResponse(
    const v1::BatchRetrieveResponse& response);
absl::StatusOr<std::string> PrintExplainResponse(
    const v1::ExplainResponse& response);

// The deepest predicate that a filter may have (kMaxPredicateDepth), a list of
// predicates in each, and a list of values within.
inline constexpr int kMaxJsonDepth = 100;
inline constexpr int kMaxJsonStrings = 1 << 17;

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_JSON_RETRIEVAL_H_
