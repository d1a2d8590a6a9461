#ifndef TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/metrics/server_metrics.h"
#include "server/service/retrieval_handler.h"

namespace httplib {
class ContentReader;
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace tributary {

struct HttpServerOptions {
  // host:port, as BoundAddress::Bind takes it.
  std::string address;
  size_t max_request_bytes = 4 << 20;
  // handler and metrics outlive the server.
  const RetrievalHandler* handler = nullptr;
  ServerMetrics* metrics = nullptr;
  // OK when requests can be answered, else the reason. Thread-safe.
  std::function<absl::Status()> ready = nullptr;
};

// HTTP beside gRPC:
//   GET  /             lists these endpoints
//   GET  /metrics      Prometheus' text format
//   GET  /healthz      200 while the process is alive
//   GET  /readyz       200 while a bundle is active
//   POST /v1/retrieve  Retrieve, with RetrieveRequest and RetrieveResponse as
//                      proto3 JSON
// An error's body is google.rpc.Status as JSON. The number of threads is
// bounded. No other folder includes httplib.h or sees its exceptions.
// Thread-safe.
class HttpServer {
 public:
  // The server accepts requests when this returns. Errors begin with "http";
  // they are those of BoundAddress::Bind.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      HttpServerOptions options);
  ~HttpServer();

  // The address with the port that was taken.
  const std::string& address() const { return address_; }

  // Stops accepting, and returns when the requests in progress are answered.
  // Idempotent.
  void Shutdown();

 private:
  HttpServer(HttpServerOptions options, std::string address, int listening);

  void AddRoutes();
  void Retrieve(const httplib::Request& request,
                const httplib::ContentReader& read,
                httplib::Response* response) const;
  absl::Status RetrieveJson(const std::string& body, std::string* json) const;

  const HttpServerOptions options_;
  MethodMetrics& retrieve_metrics_;
  const std::unique_ptr<httplib::Server> server_;
  const std::string address_;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_
