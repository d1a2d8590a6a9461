#ifndef TRIBUTARY_INDEX_PUBLISH_HTTP_CLIENT_H_
#define TRIBUTARY_INDEX_PUBLISH_HTTP_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/publish/store.h"

namespace tributary {

// What signs a request by AWS signature version 4. Never logged.
struct RequestSigner {
  // In the form of curl's option: PROVIDER:PROVIDER:REGION:SERVICE.
  std::string scope;
  std::string access_key;
  std::string secret_key;
};

struct StoreRequest {
  std::string method = "GET";
  // Without a user name. Percent-encoded, except letters, digits, '-', '_',
  // '.', '~' and '/'; query fields are sorted by name, as signing requires.
  std::string url;
  // Each "Name: value". Part of the signature, if there is a signer.
  std::vector<std::string> headers;
  // The first byte to get (a Range header); not part of the signature.
  uint64_t offset = 0;
  // For PUT and POST. Must outlive the call.
  std::span<const std::byte> body = {};
  // If set, the request is signed, and redirects are not followed.
  std::optional<RequestSigner> signer = {};
};

struct StoreReply {
  int status = 0;
  // Those of the last response, after redirects. Names are in lower case;
  // values have no space around them.
  std::map<std::string, std::string> headers;
  // The first 4 KiB of the body, unless the status is 2xx.
  std::string error_body;
  // The proxy of the environment that the last request went through, also where
  // no reply came: its URL without credentials, and the variable that names it.
  // Empty if there was none.
  std::string proxy;
  std::string proxy_variable;

  // The value of a header, whose name is in lower case; empty if it is missing.
  std::string Header(const std::string& name) const;
  // Whether the contents are old enough for their ETag to identify them. Web
  // servers derive an ETag from the second of the last change and the size, so
  // that two contents of the same second may share one (RFC 9110, 8.8.2.2).
  bool IsSettled() const;
};

// Sends HTTP requests with libcurl, and reuses connections. Verifies TLS with
// the certificates in the file that CURL_CA_BUNDLE or SSL_CERT_FILE in the
// environment names, or else with the system's. Follows up to 5 redirects, from
// https only to https. Uses the proxies of the environment that libcurl knows,
// but not for loopback addresses. Thread-safe.
class HttpClient {
 public:
  // `stall`: the longest time for connecting, and the longest time in which a
  // connection may carry nothing, or less than 100 bytes a second.
  explicit HttpClient(std::chrono::milliseconds stall);
  ~HttpClient();

  // Sends a request and sets *reply, whatever its status, and its `proxy` even
  // after an error. The body of a 2xx
  // reply goes to `sink`, which may be null, and which may read *reply from
  // Begin on. Errors: UNAVAILABLE when no complete reply arrives;
  // UNAUTHENTICATED when the server's certificate is not trusted;
  // INVALID_ARGUMENT for a malformed URL; CANCELLED; those of the sink.
  // Messages do not name the request.
  absl::Status Send(const StoreRequest& request, StoreReply* reply,
                    ByteSink* sink, const std::stop_token& stop);

 private:
  class Handles;

  const std::chrono::milliseconds stall_;
  const std::unique_ptr<Handles> handles_;
};

// Percent-encodes `text`, except letters, digits, '-', '_', '.' and '~'.
std::string PercentEncode(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_HTTP_CLIENT_H_
