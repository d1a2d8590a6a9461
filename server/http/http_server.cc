#include "server/http/http_server.h"

#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/listen/bound_address.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr std::string_view kRetrieve = "/v1/retrieve";
constexpr std::string_view kExplain = "/v1/explain";

Criticality CriticalityOf(std::string_view value) {
  return value == "batch" ? Criticality::kBatch : Criticality::kInteractive;
}

// Replies with JSON or an error, and counts that as a call that begins now.
std::function<void(absl::StatusOr<std::string>)> JsonReply(
    MethodMetrics* metrics, ReplyTo reply_to) {
  return [start = std::chrono::steady_clock::now(), metrics,
          to = std::move(reply_to)](absl::StatusOr<std::string> json) {
    metrics->Handled(json.status().code(),
                     std::chrono::steady_clock::now() - start);
    if (!json.ok()) return to(ErrorReply(json.status()));
    HttpReply reply;
    reply.content_type = "application/json";
    reply.body = *std::move(json);
    to(std::move(reply));
  };
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    HttpServerOptions options) {
  if (options.address.starts_with("unix:")) {
    return absl::InvalidArgumentError(
        fmt::format("{}: expected host:port, found {}", options.field,
                    Quoted(options.address)));
  }
  ASSIGN_OR_RETURN(BoundAddress bound,
                   BoundAddress::Bind(options.field, options.address));
  std::string address = bound.address();
  ASSIGN_OR_RETURN(const std::vector<int> listening,
                   std::move(bound).ListenAll());
  options.listener.name = options.field;
  std::unique_ptr<HttpServer> server(
      new HttpServer(std::move(options), std::move(address)));
  ASSIGN_OR_RETURN(
      server->listener_,
      HttpListener::Start(server->options_.listener, listening, server.get()));
  return server;
}

HttpServer::HttpServer(HttpServerOptions options, std::string address)
    : options_(std::move(options)),
      address_(std::move(address)),
      retrieve_metrics_(
          options_.retrieve == nullptr
              ? nullptr
              : &options_.metrics->AddMethod("http", "POST /v1/retrieve")),
      explain_metrics_(
          options_.explain == nullptr
              ? nullptr
              : &options_.metrics->AddMethod("http", "POST /v1/explain")),
      scrapes_([this] { return options_.metrics->Text(); }, options_.ready) {}

HttpServer::~HttpServer() = default;

const char* HttpServer::MethodFor(const std::string& path) const {
  if (path == "/") return "GET";
  if (path == kRetrieve) return options_.retrieve == nullptr ? nullptr : "POST";
  if (path == kExplain) return options_.explain == nullptr ? nullptr : "POST";
  if (options_.console != nullptr) {
    const char* const method = options_.console->MethodFor(path);
    if (method != nullptr) return method;
  }
  const bool is_health =
      path == "/metrics" || path == "/healthz" || path == "/readyz";
  return is_health && options_.serves_health ? "GET" : nullptr;
}

std::string HttpServer::Endpoints() const {
  std::string text;
  if (options_.serves_health) {
    text +=
        "GET  /metrics      Prometheus\n"
        "GET  /healthz      200 while the process is alive\n"
        "GET  /readyz       200 while a bundle is active\n";
  }
  if (options_.retrieve != nullptr) {
    text += "POST /v1/retrieve  tributary.v1.RetrieveRequest as proto3 JSON\n";
  }
  if (options_.explain != nullptr) {
    text += "POST /v1/explain   tributary.v1.ExplainRequest as proto3 JSON\n";
  }
  if (options_.console != nullptr) {
    text += "GET  /console      a page that shows answers, and why\n";
  }
  return text;
}

std::optional<HttpReply> HttpServer::RefuseCaller(HttpRequest* request) const {
  if (options_.access == nullptr) return std::nullopt;
  const std::string& path = request->path;
  const bool is_health = path == "/healthz" || path == "/readyz";
  if (is_health && options_.access->open_health()) return std::nullopt;
  const AccessRole role = path == kRetrieve  ? AccessRole::kRetrieve
                          : path == kExplain ? AccessRole::kExplain
                                             : AccessRole::kObserve;
  Shown shown;
  shown.authorization = request->authorization;
  if (request->certificate_names != nullptr) {
    shown.certificate_names = *request->certificate_names;
  }
  auto rights = options_.access->Allow(
      shown, role, fmt::format("{} {}", request->method, path));
  if (rights.ok()) {
    request->rights = *std::move(rights);
    return std::nullopt;
  }
  HttpReply reply = ErrorReply(rights.status());
  if (absl::IsUnauthenticated(rights.status())) {
    reply.headers.emplace_back(
        "WWW-Authenticate",
        IsAboutToken(rights.status())
            ? "Bearer realm=\"tributary\", error=\"invalid_token\""
            : "Bearer realm=\"tributary\"");
  }
  return reply;
}

std::optional<HttpReply> HttpServer::Refuse(HttpRequest* asked) {
  const HttpRequest& request = *asked;
  const char* const expected = MethodFor(request.path);
  if (expected == nullptr ||
      (request.method != expected &&
       (request.method != "HEAD" || std::string_view(expected) != "GET"))) {
    HttpReply reply =
        ErrorReply(absl::NotFoundError(fmt::format(
                       "{} {} does not exist on {}", Printable(request.method),
                       Printable(request.path), options_.field)),
                   expected == nullptr ? 404 : 405);
    if (expected != nullptr) reply.allow = expected;
    return reply;
  }
  if (auto refusal = RefuseCaller(asked)) return refusal;
  if (request.method == "POST" && !request.has_body) {
    return ErrorReply(
        absl::InvalidArgumentError("expected a body, and a header "
                                   "Content-Length or Transfer-Encoding"),
        411);
  }
  return std::nullopt;
}

MethodMetrics* HttpServer::MetricsFor(const std::string& path) const {
  if (path == kRetrieve) return retrieve_metrics_;
  return path == kExplain ? explain_metrics_ : nullptr;
}

void HttpServer::Refused(const HttpRequest& request, absl::StatusCode code) {
  MethodMetrics* const metrics = MetricsFor(request.path);
  if (metrics != nullptr) metrics->Handled(code, std::chrono::nanoseconds(0));
}

std::optional<HttpReply> HttpServer::Handle(HttpRequest request,
                                            ReplyTo reply_to) {
  if (request.path == "/healthz") return TextReply("ok\n");
  if (request.path == "/") return TextReply(Endpoints());
  if (options_.console != nullptr &&
      options_.console->MethodFor(request.path) != nullptr) {
    return options_.console->Handle(std::move(request), std::move(reply_to));
  }
  if (request.path == "/metrics") {
    scrapes_.Metrics(std::move(reply_to));
  } else if (request.path == "/readyz") {
    scrapes_.Ready(std::move(reply_to));
  } else if (request.path == kExplain) {
    Explain(std::move(request), std::move(reply_to));
  } else {
    Retrieve(std::move(request), std::move(reply_to));
  }
  return std::nullopt;
}

void HttpServer::Retrieve(HttpRequest request, ReplyTo reply_to) {
  const auto cancelled = reply_to.cancelled();
  options_.retrieve(std::move(request.body), CriticalityOf(request.criticality),
                    std::move(request.rights), cancelled,
                    JsonReply(retrieve_metrics_, std::move(reply_to)));
}

void HttpServer::Explain(HttpRequest request, ReplyTo reply_to) {
  const auto cancelled = reply_to.cancelled();
  options_.explain(std::move(request.body), std::move(request.rights),
                   cancelled, JsonReply(explain_metrics_, std::move(reply_to)));
}

}  // namespace tributary
