#include "server/http/http_server.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/http/openapi.h"
#include "server/listen/bound_address.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Another version of the server may have another description.
constexpr char kRevalidate[] = "no-cache";

HttpReply OpenApiReply(const HttpRequest& request) {
  const OpenApiFile& file = OpenApi();
  HttpReply reply;
  reply.headers = {{"ETag", std::string(file.etag)},
                   {"Cache-Control", kRevalidate}};
  if (request.if_none_match == file.etag) {
    reply.status = 304;
    return reply;
  }
  reply.content_type = "application/json";
  reply.body = file.text;
  return reply;
}

// Replies with JSON or an error, and counts that as a call that begins now.
std::function<void(absl::StatusOr<std::string>)> JsonReply(
    MethodMetrics* metrics, const std::function<std::string()>* load_report,
    ReplyTo reply_to) {
  return [start = std::chrono::steady_clock::now(), metrics, load_report,
          to = std::move(reply_to)](absl::StatusOr<std::string> json) {
    metrics->Handled(json.status().code(),
                     std::chrono::steady_clock::now() - start);
    HttpReply reply;
    if (json.ok()) {
      reply.content_type = "application/json";
      reply.body = *std::move(json);
    } else {
      reply = ErrorReply(json.status());
    }
    if (*load_report != nullptr) {
      reply.headers.emplace_back("endpoint-load-metrics", (*load_report)());
    }
    to(std::move(reply));
  };
}

// Counts the reply as the end of a request that begins now.
ReplyTo Counted(MethodMetrics* metrics, const ReplyTo& reply_to) {
  auto post = std::make_shared<const ReplyTo::Post>(
      [start = std::chrono::steady_clock::now(), metrics, reply_to](
          uint64_t /*request*/, HttpReply reply) {
        metrics->Handled(reply.code, std::chrono::steady_clock::now() - start);
        reply_to(std::move(reply));
      });
  return {0, std::move(post), reply_to.cancelled()};
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
      scrapes_({.metrics = [this] { return options_.metrics->Text(); },
                .ready = options_.ready,
                .status = options_.status}) {
  AddObserved();
  AddCalls();
  for (Endpoint& endpoint : endpoints_) {
    if (endpoint.metrics != nullptr) continue;
    // Apart from the calls, so that scrapes and probes are no part of their
    // figures.
    endpoint.metrics = &options_.metrics->AddMethod(
        kObservedService, fmt::format("{} {}", endpoint.method, endpoint.path));
  }
  if (options_.console != nullptr) {
    // Its paths are its own: MethodFor and Handle ask it for them.
    endpoints_.push_back({.method = "GET",
                          .path = "/console",
                          .what = "a page that shows answers, and why",
                          .metrics = &options_.metrics->AddMethod(
                              kObservedService, "GET /console")});
    console_metrics_ = endpoints_.back().metrics;
  }
}

HttpServer::~HttpServer() = default;

void HttpServer::AddObserved() {
  if (!options_.serves_health) return;
  endpoints_.push_back({.method = "GET",
                        .path = "/metrics",
                        .what = "Prometheus",
                        .handle = [this](HttpRequest, ReplyTo reply_to) {
                          scrapes_.Metrics(std::move(reply_to));
                          return std::nullopt;
                        }});
  endpoints_.push_back(
      {.method = "GET",
       .path = "/healthz",
       .what = "200 while the process is alive",
       .is_health = true,
       .handle = [](HttpRequest, ReplyTo) { return TextReply("ok\n"); }});
  endpoints_.push_back({.method = "GET",
                        .path = "/readyz",
                        .what = "200 while a bundle is active",
                        .is_health = true,
                        .handle = [this](HttpRequest, ReplyTo reply_to) {
                          scrapes_.Ready(std::move(reply_to));
                          return std::nullopt;
                        }});
  endpoints_.push_back({.method = "GET",
                        .path = "/v1/health",
                        .what = "the same as JSON",
                        .is_health = true,
                        .handle = [this](HttpRequest, ReplyTo reply_to) {
                          scrapes_.Health(std::move(reply_to));
                          return std::nullopt;
                        }});
  if (options_.status == nullptr) return;
  endpoints_.push_back({.method = "GET",
                        .path = "/v1/status",
                        .what = "tributary.v1.ServerStatus as proto3 JSON",
                        .handle = [this](HttpRequest, ReplyTo reply_to) {
                          scrapes_.Status(std::move(reply_to));
                          return std::nullopt;
                        }});
}

void HttpServer::AddCalls() {
  AddCall("/v1/retrieve", "tributary.v1.RetrieveRequest as proto3 JSON",
          AccessRole::kRetrieve, Criticality::kInteractive, options_.retrieve);
  AddCall("/v1/batch", "tributary.v1.BatchRetrieveRequest as proto3 JSON",
          AccessRole::kRetrieve, Criticality::kBatch, options_.batch);
  AddCall("/v1/explain", "tributary.v1.ExplainRequest as proto3 JSON",
          AccessRole::kExplain, Criticality::kInteractive, options_.explain);
  if (options_.retrieve == nullptr) return;
  endpoints_.push_back({.method = "GET",
                        .path = "/openapi.json",
                        .what = "a description of these, as OpenAPI 3.1",
                        .handle = [](const HttpRequest& request, ReplyTo) {
                          return OpenApiReply(request);
                        }});
}

void HttpServer::AddCall(const char* path, const char* what, AccessRole role,
                         Criticality criticality, const CallJson& call) {
  if (call == nullptr) return;
  MethodMetrics* const metrics =
      &options_.metrics->AddMethod("http", fmt::format("POST {}", path));
  endpoints_.push_back(
      {.method = "POST",
       .path = path,
       .what = what,
       .role = role,
       .metrics = metrics,
       .counts_itself = true,
       .handle = [this, metrics, criticality, &call](
                     HttpRequest request,
                     ReplyTo reply_to) -> std::optional<HttpReply> {
         const auto cancelled = reply_to.cancelled();
         call(std::move(request.body),
              ParseCriticality(request.criticality).value_or(criticality),
              std::move(request.rights), std::move(request.request_id),
              cancelled,
              JsonReply(metrics, &options_.load_report, std::move(reply_to)));
         return std::nullopt;
       }});
}

const HttpServer::Endpoint* HttpServer::Find(std::string_view path) const {
  const auto found = std::ranges::find(endpoints_, path, &Endpoint::path);
  return found == endpoints_.end() ? nullptr : &*found;
}

const char* HttpServer::MethodFor(const std::string& path) const {
  if (path == "/") return "GET";
  if (const Endpoint* const endpoint = Find(path)) return endpoint->method;
  if (options_.console == nullptr) return nullptr;
  return options_.console->MethodFor(path);
}

std::string HttpServer::Endpoints() const {
  std::string text;
  for (const Endpoint& endpoint : endpoints_) {
    text += fmt::format("{:<4} {:<13} {}\n", endpoint.method, endpoint.path,
                        endpoint.what);
  }
  return text;
}

std::optional<HttpReply> HttpServer::RefuseCaller(HttpRequest* request) const {
  if (options_.access == nullptr) return std::nullopt;
  const Endpoint* const endpoint = Find(request->path);
  const bool is_health = endpoint != nullptr && endpoint->is_health;
  if (is_health && options_.access->open_health()) return std::nullopt;
  // What only the console knows is for who may observe.
  const AccessRole role =
      endpoint == nullptr ? AccessRole::kObserve : endpoint->role;
  Shown shown;
  shown.authorization = request->authorization;
  if (request->certificate_names != nullptr) {
    shown.certificate_names = *request->certificate_names;
  }
  auto rights = options_.access->Allow(
      shown, role, fmt::format("{} {}", request->method, request->path));
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

void HttpServer::Refused(const HttpRequest& request, absl::StatusCode code) {
  const Endpoint* const endpoint = Find(request.path);
  if (endpoint == nullptr || endpoint->metrics == nullptr) return;
  endpoint->metrics->Handled(code, std::chrono::nanoseconds(0));
}

std::optional<HttpReply> HttpServer::Handle(HttpRequest request,
                                            ReplyTo reply_to) {
  if (request.path == "/") return TextReply(Endpoints());
  const Endpoint* const endpoint = Find(request.path);
  if (endpoint != nullptr && endpoint->counts_itself) {
    return endpoint->handle(std::move(request), std::move(reply_to));
  }
  const bool is_consoles = endpoint == nullptr || endpoint->handle == nullptr;
  MethodMetrics* const metrics =
      is_consoles ? console_metrics_ : endpoint->metrics;
  const auto start = std::chrono::steady_clock::now();
  ReplyTo counted = Counted(metrics, reply_to);
  std::optional<HttpReply> reply =
      is_consoles
          ? options_.console->Handle(std::move(request), std::move(counted))
          : endpoint->handle(std::move(request), std::move(counted));
  if (reply.has_value()) {
    metrics->Handled(reply->code, std::chrono::steady_clock::now() - start);
  }
  return reply;
}

}  // namespace tributary
