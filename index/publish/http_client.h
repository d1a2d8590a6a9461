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

// Of Amazon's signature version 4. Printed by nothing.
struct RequestSigner {
  // curl's PROVIDER:PROVIDER:REGION:SERVICE.
  std::string scope;
  std::string access_key;
  std::string secret_key;
};

struct HttpRequest {
  std::string method = "GET";
  // Without a user's name, and what is neither letter, digit nor '-', '_', '.',
  // '~' or '/' percent-encoded; query fields in order of their names.
  std::string url;
  // Each "Name: value". Signed, if the request is.
  std::vector<std::string> headers;
  // From which byte on; not signed.
  uint64_t offset = 0;
  // Of PUT and POST. Outlives the call.
  std::span<const std::byte> body = {};
  // Where it is given, redirects are not followed.
  std::optional<RequestSigner> signer = {};
};

struct HttpReply {
  int status = 0;
  // The last response's; names in lower case, values without space around.
  std::map<std::string, std::string> headers;
  // The beginning of the body of a reply that is not 2xx.
  std::string error_body;

  // Empty when there is none.
  std::string Header(const std::string& name) const;
  // Whether what came is older than the seconds in which it could change twice:
  // web servers make an ETag of the second of the last change and the size,
  // which two contents may share (RFC 9110, 8.8.2.2).
  bool IsSettled() const;
};

// Sends requests by libcurl, and keeps connections. TLS is verified, with the
// certificates of the file that CURL_CA_BUNDLE or SSL_CERT_FILE in the
// environment names, or the system's. Follows up to 5 redirects, from https to
// https only. Thread-safe.
class HttpClient {
 public:
  // A connection that carries nothing for so long is cut, and one that is not
  // there by then is given up.
  explicit HttpClient(std::chrono::milliseconds stall);
  ~HttpClient();

  // Fills in *reply, whatever its status; the body of one with 2xx goes to
  // `sink`, which may be null and may look at *reply from Begin on. Errors:
  // UNAVAILABLE when there is no complete reply; UNAUTHENTICATED when the
  // server's certificate is not trusted; INVALID_ARGUMENT for a URL that is
  // none; CANCELLED; the sink's. Messages do not name the request.
  absl::Status Send(const HttpRequest& request, HttpReply* reply,
                    ByteSink* sink, const std::stop_token& stop);

 private:
  class Handles;

  const std::chrono::milliseconds stall_;
  const std::unique_ptr<Handles> handles_;
};

// `text`, percent-encoded but for letters, digits, '-', '_', '.' and '~'.
std::string PercentEncode(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_HTTP_CLIENT_H_
