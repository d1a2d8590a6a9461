#ifndef TRIBUTARY_SERVER_HTTP_REQUEST_HEAD_H_
#define TRIBUTARY_SERVER_HTTP_REQUEST_HEAD_H_

#include <cstddef>
#include <optional>

#include "server/http/http_message.h"

struct MHD_Connection;

namespace tributary {

// Reads what the headers of a request say into `request`: has_body, criticality
// and if_none_match. A reply refuses the request: 413 for a body of more than
// max_body_bytes, 415 for one that is encoded, 417 for an expectation other
// than 100-continue, 431 for a head of more than max_head_bytes, 501 for a
// transfer coding other than chunked, and 400 for headers by which two readers
// would find different ends of the body.
std::optional<HttpReply> ReadHead(MHD_Connection* connection,
                                  size_t max_head_bytes, size_t max_body_bytes,
                                  HttpRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_REQUEST_HEAD_H_
