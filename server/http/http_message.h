// What the listener and who answers its requests tell each other.
#ifndef TRIBUTARY_SERVER_HTTP_HTTP_MESSAGE_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_MESSAGE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/access/rights.h"

namespace tributary {

// The header that names a request, as replies spell it.
inline constexpr char kRequestIdName[] = "X-Request-Id";

struct HttpRequest {
  std::string method;
  // Without the query.
  std::string path;
  // The value of x-tributary-criticality; empty without it.
  std::string criticality;
  // The value of Authorization; empty without it.
  std::string authorization;
  // The names in the client's certificate; null without one.
  std::shared_ptr<const std::vector<std::string>> certificate_names;
  // Set by HttpHandler::Refuse; null where everybody may do everything.
  SharedRights rights;
  // The name of the request: the value of X-Request-Id, or what replaces one
  // that no name may be like; empty without it.
  std::string request_id;
  // The values of Traceparent and Tracestate; empty without them.
  std::string traceparent;
  std::string tracestate;
  // The value of If-None-Match; empty without it.
  std::string if_none_match;
  // Whether the request said that a body follows, and how.
  bool has_body = false;
  std::string body;
};

struct HttpReply {
  int status = 200;
  // The error that it is made of.
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string content_type;
  std::string body;
  // The header Allow, where it is not empty.
  std::string allow;
  // The header Retry-After, where it is not 0.
  int retry_after_s = 0;
  // Further headers: names and values, without line breaks.
  std::vector<std::pair<std::string, std::string>> headers;
};

// 200 with plain text.
HttpReply TextReply(std::string text);
// An error as google.rpc.Status in JSON. `http_status` replaces the status that
// belongs to the code, where it is not 0.
HttpReply ErrorReply(const absl::Status& status, int http_status = 0);

// Where the reply to a request goes. Copyable; every copy is the same.
class ReplyTo {
 public:
  using Post = std::function<void(uint64_t request, HttpReply)>;

  ReplyTo(uint64_t request, std::shared_ptr<const Post> post,
          std::shared_ptr<const std::atomic<bool>> cancelled)
      : request_(request),
        post_(std::move(post)),
        cancelled_(std::move(cancelled)) {}

  // Sends the reply. Call it once, on any thread, at any time: after the
  // listener's end it has no effect.
  void operator()(HttpReply reply) const {
    (*post_)(request_, std::move(reply));
  }
  // True once the client has gone, or the server has given up on it.
  const std::shared_ptr<const std::atomic<bool>>& cancelled() const {
    return cancelled_;
  }

 private:
  uint64_t request_;
  std::shared_ptr<const Post> post_;
  std::shared_ptr<const std::atomic<bool>> cancelled_;
};

// Answers the requests to some paths of an HttpServer. Its functions are called
// on the listener's thread, as those of HttpHandler.
class HttpRoutes {
 public:
  virtual ~HttpRoutes() = default;

  // The method that the path is for, which HEAD may take the place of where it
  // is GET; nullptr where there is no such path.
  virtual const char* MethodFor(std::string_view path) const = 0;
  // As HttpHandler::Handle. REQUIRES: MethodFor knows the path.
  virtual std::optional<HttpReply> Handle(HttpRequest request,
                                          ReplyTo reply_to) = 0;
};

// Answers requests. All functions are called on the listener's thread, which
// all its connections wait for, and must return at once.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // Looks at a request without its body, and who makes it. A reply refuses it.
  virtual std::optional<HttpReply> Refuse(HttpRequest* request) = 0;
  // Notes that a request whose head was read was refused, by Refuse or by the
  // listener: it is too long, too slow or in a form that is not understood, or
  // the server ends.
  virtual void Refused(const HttpRequest& request, absl::StatusCode code) = 0;
  // Answers a request, or returns nothing and answers through `reply_to` later.
  virtual std::optional<HttpReply> Handle(HttpRequest request,
                                          ReplyTo reply_to) = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_MESSAGE_H_
