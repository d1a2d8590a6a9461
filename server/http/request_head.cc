#include "server/http/request_head.h"

#include <microhttpd.h>
#include <strings.h>

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "server/process/call_id.h"
#include "server/tracing/trace_context.h"
#include "text/quoted.h"

namespace tributary {
namespace {

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The headers that decide how a request is read.
struct Head {
  int lengths = 0;
  int codings = 0;
  bool has_odd_name = false;
  std::string_view length;
  std::string_view coding;
  std::string_view encoding;
  std::string_view expect;
  std::string_view criticality;
  std::string_view authorization;
  std::string_view if_none_match;
  std::string_view request_id;
  std::string_view traceparent;
  std::string tracestate;
};

MHD_Result AddHeader(void* to, MHD_ValueKind /*kind*/, const char* key,
                     size_t key_size, const char* value, size_t value_size) {
  Head& head = *static_cast<Head*>(to);
  const std::string_view name(key, key_size);
  const std::string_view text(value == nullptr ? "" : value,
                              value == nullptr ? 0 : value_size);
  if (name.empty() || name.find_first_of(" \t") != std::string_view::npos) {
    head.has_odd_name = true;
  } else if (EqualsIgnoringCase(name, "Content-Length")) {
    ++head.lengths;
    head.length = text;
  } else if (EqualsIgnoringCase(name, "Transfer-Encoding")) {
    ++head.codings;
    head.coding = text;
  } else if (EqualsIgnoringCase(name, "Content-Encoding")) {
    head.encoding = text;
  } else if (EqualsIgnoringCase(name, "Expect")) {
    head.expect = text;
  } else if (EqualsIgnoringCase(name, "x-tributary-criticality")) {
    head.criticality = text;
  } else if (EqualsIgnoringCase(name, "Authorization")) {
    head.authorization = text;
  } else if (EqualsIgnoringCase(name, "If-None-Match")) {
    head.if_none_match = text;
  } else if (EqualsIgnoringCase(name, kRequestIdHeader)) {
    head.request_id = text;
  } else if (EqualsIgnoringCase(name, kTraceparentHeader)) {
    head.traceparent = text;
  } else if (EqualsIgnoringCase(name, kTracestateHeader)) {
    if (!head.tracestate.empty()) head.tracestate += ',';
    head.tracestate += text;
  }
  return MHD_YES;
}

// libmicrohttpd refuses what is no number.
uint64_t LengthOf(const Head& head) {
  uint64_t bytes = 0;
  std::from_chars(head.length.data(), head.length.data() + head.length.size(),
                  bytes);
  return bytes;
}

// What is given, or where no name may be like that, the id of the trace.
std::string RequestIdOf(const Head& head) {
  if (head.request_id.empty()) return {};
  if (IsRequestId(head.request_id)) return std::string(head.request_id);
  const auto parent = ParseTraceparent(head.traceparent);
  return HexOf(parent.has_value() ? parent->trace_id : RandomTraceId());
}

HttpReply BadHead(int status, const std::string& message) {
  return ErrorReply(absl::InvalidArgumentError(message), status);
}

std::optional<HttpReply> RefuseFraming(const Head& head) {
  if (head.has_odd_name) {
    return BadHead(400, "a header's name is empty or has a space in it");
  }
  if (head.lengths + head.codings > 1) {
    return BadHead(400,
                   "Content-Length and Transfer-Encoding: expected one of them "
                   "once at most");
  }
  if (head.codings > 0 && !EqualsIgnoringCase(head.coding, "chunked")) {
    return BadHead(501, fmt::format("Transfer-Encoding: expected chunked, "
                                    "found {}",
                                    Quoted(head.coding)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<HttpReply> ReadHead(MHD_Connection* connection,
                                  size_t max_head_bytes, size_t max_body_bytes,
                                  HttpRequest* request) {
  Head head;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, AddHeader, &head);
  request->has_body = head.lengths + head.codings > 0;
  request->criticality = head.criticality;
  request->authorization = head.authorization;
  request->if_none_match = head.if_none_match;
  request->request_id = RequestIdOf(head);
  request->traceparent = head.traceparent;
  request->tracestate = std::move(head.tracestate);
  const auto* const size = MHD_get_connection_info(
      connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (size != nullptr && size->header_size > max_head_bytes) {
    return BadHead(431,
                   fmt::format("the request's headers have {} bytes, more than "
                               "transport.max_header_bytes, {}",
                               size->header_size, max_head_bytes));
  }
  if (auto refusal = RefuseFraming(head)) return refusal;
  if (LengthOf(head) > max_body_bytes) {
    return BadHead(413, fmt::format("the body is longer than "
                                    "limits.max_request_bytes, {}",
                                    max_body_bytes));
  }
  if (!head.encoding.empty() &&
      !EqualsIgnoringCase(head.encoding, "identity")) {
    return BadHead(415, fmt::format("Content-Encoding: {} is not supported; "
                                    "send the body as it is",
                                    Quoted(head.encoding)));
  }
  if (!head.expect.empty() &&
      !EqualsIgnoringCase(head.expect, "100-continue")) {
    return BadHead(
        417, fmt::format("Expect: {} is not supported", Quoted(head.expect)));
  }
  return std::nullopt;
}

}  // namespace tributary
