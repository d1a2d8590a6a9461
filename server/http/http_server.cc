#include "server/http/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "httplib.h"
#include "server/http/bounded_task_queue.h"
#include "server/http/json_status.h"
#include "server/listen/bound_address.h"
#include "server/service/measured_call.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

// A connection occupies a thread while it is open, so that idle ones are closed
// soon.
constexpr size_t kThreads = 32;
constexpr size_t kQueueLength = 64;
constexpr int kKeepAliveS = 1;
constexpr size_t kKeepAliveRequests = 1000;
constexpr int kReadTimeoutS = 5;

constexpr char kJson[] = "application/json";
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kExposition[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kEndpoints[] =
    "GET  /metrics      Prometheus\n"
    "GET  /healthz      200 while the process is alive\n"
    "GET  /readyz       200 while a bundle is active\n"
    "POST /v1/retrieve  tributary.v1.RetrieveRequest as proto3 JSON\n";

// The method of each path that is served.
const std::map<std::string, std::string, std::less<>>& Routes() {
  static const auto* const routes =
      new std::map<std::string, std::string, std::less<>>{
          {"/", "GET"},
          {"/metrics", "GET"},
          {"/healthz", "GET"},
          {"/readyz", "GET"},
          {"/v1/retrieve", "POST"}};
  return *routes;
}

void Answer(const absl::Status& status, httplib::Response* response) {
  response->status = HttpStatusOf(status.code());
  if (response->status == 429 || response->status == 503) {
    response->set_header("Retry-After", "1");
  }
  response->set_content(JsonOf(status), kJson);
}

// For replies that are sent before the request's body was read: the rest of the
// body must not be taken for the next request.
void CloseAfter(httplib::Response* response) {
  response->set_header("Connection", "close");
}

// Refuses a request that has no route, before its body is read. False when it
// has one.
bool Refuse(const httplib::Request& request, httplib::Response* response) {
  const auto route = Routes().find(request.path);
  const bool found = route != Routes().end();
  if (found && request.method == route->second) return false;
  if (found && request.method == "HEAD" && route->second == "GET") return false;
  Answer(absl::NotFoundError(
             fmt::format("{} {} does not exist", request.method, request.path)),
         response);
  CloseAfter(response);
  if (found) {
    response->status = 405;
    response->set_header("Allow", route->second);
  }
  return true;
}

// Reads the body, of at most `max_bytes`. httplib bounds neither chunked nor
// compressed bodies. Nothing, and *response is the error, when it fails.
std::optional<std::string> ReadBody(const httplib::ContentReader& read,
                                    size_t max_bytes,
                                    httplib::Response* response) {
  std::string body;
  bool too_long = false;
  const bool complete = read([&](const char* data, size_t size) {
    too_long = size > max_bytes - body.size();
    if (!too_long) body.append(data, size);
    return !too_long;
  });
  if (complete) return body;
  too_long = too_long || response->status == 413;
  Answer(absl::InvalidArgumentError(
             too_long ? fmt::format("the body is longer than "
                                    "limits.max_request_bytes, {}",
                                    max_bytes)
                      : "the body could not be read"),
         response);
  if (too_long) response->status = 413;
  CloseAfter(response);
  return std::nullopt;
}

void OnException(const httplib::Request& request, std::exception_ptr exception,
                 httplib::Response* response) {
  std::string what = "unknown";
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  spdlog::error("event=http_exception path={:?} what={:?}", request.path, what);
  Answer(absl::InternalError("the request failed; see http_exception in the "
                             "server's log"),
         response);
}

// Serves on a socket that listens already: httplib's own binding shares a port
// with other processes, and does not say why it fails.
class ServerOnSocket : public httplib::Server {
 public:
  explicit ServerOnSocket(int listening) {
    // Connections inherit it: httplib writes a reply in parts.
    const int on = 1;
    setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    svr_sock_ = listening;
  }
};

}  // namespace

HttpServer::HttpServer(HttpServerOptions options, std::string address,
                       int listening)
    : options_(std::move(options)),
      retrieve_metrics_(
          options_.metrics->AddMethod("http", "POST /v1/retrieve")),
      server_(std::make_unique<ServerOnSocket>(listening)),
      address_(std::move(address)) {
  server_->new_task_queue = [] {
    return new BoundedTaskQueue(kThreads, kQueueLength);
  };
  server_->set_keep_alive_timeout(kKeepAliveS);
  server_->set_keep_alive_max_count(kKeepAliveRequests);
  server_->set_read_timeout(kReadTimeoutS);
  server_->set_payload_max_length(options_.max_request_bytes);
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    HttpServerOptions options) {
  if (options.address.starts_with("unix:")) {
    return absl::InvalidArgumentError(
        fmt::format("http: expected host:port, found \"{}\"", options.address));
  }
  ASSIGN_OR_RETURN(BoundAddress bound,
                   BoundAddress::Bind("http", options.address));
  std::string address = bound.address();
  ASSIGN_OR_RETURN(const int listening, std::move(bound).Listen());
  std::unique_ptr<HttpServer> server(
      new HttpServer(std::move(options), std::move(address), listening));
  server->AddRoutes();
  server->thread_ = std::thread(
      [http = server->server_.get()] { http->listen_after_bind(); });
  // stop() has no effect before the loop runs.
  while (!server->server_->is_running()) std::this_thread::yield();
  return server;
}

HttpServer::~HttpServer() { Shutdown(); }

void HttpServer::Shutdown() {
  if (!thread_.joinable()) return;
  server_->stop();
  thread_.join();
}

void HttpServer::AddRoutes() {
  using httplib::Request;
  using httplib::Response;
  server_->Get("/", [](const Request&, Response& response) {
    response.set_content(kEndpoints, kText);
  });
  server_->Get("/metrics", [this](const Request&, Response& response) {
    response.set_content(options_.metrics->Text(), kExposition);
  });
  server_->Get("/healthz", [](const Request&, Response& response) {
    response.set_content("ok\n", kText);
  });
  server_->Get("/readyz", [this](const Request&, Response& response) {
    const absl::Status ready = options_.ready();
    if (!ready.ok()) return Answer(ready, &response);
    response.set_content("ok\n", kText);
  });
  server_->Post("/v1/retrieve",
                [this](const Request& request, Response& response,
                       const httplib::ContentReader& read) {
                  Retrieve(request, read, &response);
                });
  server_->set_pre_routing_handler(
      [](const Request& request, Response& response) {
        return Refuse(request, &response)
                   ? httplib::Server::HandlerResponse::Handled
                   : httplib::Server::HandlerResponse::Unhandled;
      });
  // A request that httplib itself refuses has no body yet.
  const httplib::Server::Handler on_error = [](const Request&,
                                               Response& response) {
    if (!response.body.empty()) return;
    response.set_content(JsonOf(absl::InvalidArgumentError(
                             "malformed or unsupported HTTP request")),
                         kJson);
  };
  server_->set_error_handler(on_error);
  server_->set_exception_handler([](const Request& request, Response& response,
                                    std::exception_ptr exception) {
    OnException(request, std::move(exception), &response);
  });
}

void HttpServer::Retrieve(const httplib::Request& request,
                          const httplib::ContentReader& read,
                          httplib::Response* response) const {
  // httplib would look for a handler of the form's parts, which was not given.
  if (request.is_multipart_form_data()) {
    CloseAfter(response);
    return Answer(absl::InvalidArgumentError(
                      "expected a JSON body, found a multipart form"),
                  response);
  }
  const std::optional<std::string> body =
      ReadBody(read, options_.max_request_bytes, response);
  if (!body.has_value()) return;
  std::string json;
  const absl::Status status = MeasuredCall(
      retrieve_metrics_, [&] { return RetrieveJson(*body, &json); });
  if (!status.ok()) return Answer(status, response);
  response->set_content(json, kJson);
}

absl::Status HttpServer::RetrieveJson(const std::string& body,
                                      std::string* json) const {
  v1::RetrieveRequest request;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(body, &request);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(fmt::format(
        "not a RetrieveRequest: {}",
        std::string_view(parsed.message().data(), parsed.message().size())));
  }
  v1::RetrieveResponse response;
  RETURN_IF_ERROR(
      options_.handler->Retrieve(request, SteadyTime::max(), &response));
  const auto printed =
      google::protobuf::util::MessageToJsonString(response, json);
  if (printed.ok()) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("cannot print the reply as JSON: {}", printed.ToString()));
}

}  // namespace tributary
