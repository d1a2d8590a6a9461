#ifndef TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/http/http_listener.h"
#include "server/http/http_message.h"
#include "server/http/scrapes.h"
#include "server/metrics/server_metrics.h"
#include "server/service/call_trace.h"
#include "server/service/criticality.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Starts to answer a request in proto3 JSON; returns at once. Calls `done`
// exactly once, on any thread, with the reply's JSON or the error. *cancelled
// becomes true when the client has gone. The rights are the caller's; null
// where everybody may do everything. *trace, which is never null, lives as long
// as `done`.
using CallJson = std::function<void(
    std::string body, Criticality, SharedRights,
    std::shared_ptr<const std::atomic<bool>> cancelled, CallTrace* trace,
    std::function<void(absl::StatusOr<std::string>)> done)>;

struct HttpServerOptions {
  // The field of the configuration that errors begin with: "http" or "admin".
  std::string field = "http";
  // host:port, as BoundAddress::Bind takes it.
  std::string address;
  // Whether metrics, health and status are answered.
  bool serves_health = true;
  // Answers /v1/retrieve, which does not exist without it. It outlives the
  // server, and is not called after Shutdown.
  CallJson retrieve = nullptr;
  // The same for /v1/batch.
  CallJson batch = nullptr;
  // The same for /v1/explain.
  CallJson explain = nullptr;
  // Answers paths of its own: the console. Null for none. It outlives the
  // server.
  HttpRoutes* console = nullptr;
  // Outlives the server, and every call of `done`.
  ServerMetrics* metrics = nullptr;
  // OK when requests can be answered, else the reason. Thread-safe.
  std::function<absl::Status()> ready = nullptr;
  // Answers /v1/status, which does not exist without it. Thread-safe.
  std::function<v1::ServerStatus()> status = nullptr;
  // Decides who may make which requests; null: everybody all. It outlives the
  // server.
  AccessControl* access = nullptr;
  // What the header endpoint-load-metrics of answers to calls says; null: there
  // is none. Thread-safe.
  std::function<std::string()> load_report = nullptr;
  // Tells of calls when they are over; null: nobody does. It outlives the
  // server, and every call of `done`.
  CallTracer* tracer = nullptr;
  HttpListenerOptions listener = {};
};

// HTTP beside gRPC:
//   GET  /             lists these endpoints
//   GET  /metrics      Prometheus' text format
//   GET  /healthz      200 while the process is alive
//   GET  /readyz       200 while a bundle is active
//   GET  /v1/health    the same, as grpc.health.v1.HealthCheckResponse in JSON
//   GET  /v1/status    ServerStatus as proto3 JSON
//   POST /v1/retrieve  Retrieve, with RetrieveRequest and RetrieveResponse as
//                      proto3 JSON
//   POST /v1/batch     BatchRetrieve, the same way
//   POST /v1/explain   Explain, the same way
//   GET  /openapi.json describes them all, as OpenAPI 3.1
//   GET  /console      a page for people, and what it asks (server/console)
// With `access`, /v1/retrieve and /v1/batch need the role retrieve, /v1/explain
// explain, health and readiness observe or nothing (see Access.open_health),
// and all else observe. HEAD works where GET does. An error's body is
// google.rpc.Status as JSON, except where what was sent is not HTTP at all:
// then it is a short page of libmicrohttpd's. HttpListener has the limits.
// Thread-safe.
class HttpServer final : public HttpHandler {
 public:
  // The server accepts requests when this returns. Errors begin with
  // options.field; they are those of BoundAddress::Bind.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      HttpServerOptions options);
  ~HttpServer() override;

  // The address with the port that was taken.
  const std::string& address() const { return address_; }

  // Those of HttpListener.
  void StartDrain() { listener_->StartDrain(); }
  void Shutdown(std::chrono::steady_clock::time_point deadline) {
    listener_->Shutdown(deadline);
  }

 private:
  HttpServer(HttpServerOptions options, std::string address);

  // HttpHandler, for the listener.
  std::optional<HttpReply> Refuse(HttpRequest* request) override;
  void Refused(const HttpRequest& request, absl::StatusCode code) override;
  std::optional<HttpReply> Handle(HttpRequest request,
                                  ReplyTo reply_to) override;

  struct Endpoint {
    const char* method = nullptr;
    std::string_view path;
    // For people.
    const char* what = nullptr;
    // What a caller must have.
    AccessRole role = AccessRole::kObserve;
    // Whether Access.open_health opens it to everybody.
    bool is_health = false;
    // Null for those that are not counted. Calls count themselves, as they know
    // when they begin; `counts_itself` says so.
    MethodMetrics* metrics = nullptr;
    bool counts_itself = false;
    // As spans name it, for those that have metrics.
    std::shared_ptr<const CallMethod> method_name = nullptr;
    // As Handle. Null for those that the console answers.
    std::function<std::optional<HttpReply>(HttpRequest, ReplyTo)> handle =
        nullptr;
  };

  // What probes and people look at.
  void AddObserved();
  // What answers requests as JSON, and their description.
  void AddCalls();
  // One of them, which exists unless `call` is null. `criticality` is that of
  // requests that do not say.
  void AddCall(const char* path, const char* what, AccessRole role,
               Criticality criticality, const CallJson& call);
  // The reply to a caller who may not make the request; nothing to one who may.
  std::optional<HttpReply> RefuseCaller(HttpRequest* request) const;
  // The endpoint of a path; nullptr where there is none.
  const Endpoint* Find(std::string_view path) const;
  // The method that the path is for; nullptr where there is no such path.
  const char* MethodFor(const std::string& path) const;
  std::string Endpoints() const;

  const HttpServerOptions options_;
  const std::string address_;
  // Every path but "/" and those of the console.
  std::vector<Endpoint> endpoints_;
  // Of all paths of the console; null without one.
  MethodMetrics* console_metrics_ = nullptr;
  Scrapes scrapes_;
  // Set by Start. Destroyed first: it calls this object.
  std::unique_ptr<HttpListener> listener_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_
