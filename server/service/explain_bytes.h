#ifndef TRIBUTARY_SERVER_SERVICE_EXPLAIN_BYTES_H_
#define TRIBUTARY_SERVER_SERVICE_EXPLAIN_BYTES_H_

#include <string_view>

#include "absl/status/status.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/explain.pb.h"

namespace tributary {

// Parses an ExplainRequest. As for other requests (see request_outline.h), its
// lists are counted before a message is built of them. INVALID_ARGUMENT: the
// bytes are not such a message, or one of its lists is longer than the limits;
// the message begins with the path of the field, such as
// "request.quotas: ..." or "item_keys: ...".
absl::Status ParseExplainBytes(std::string_view bytes, const v1::Limits& limits,
                               v1::ExplainRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_EXPLAIN_BYTES_H_
