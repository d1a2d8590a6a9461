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
  // host:port; port 0: any free one.
  std::string address;
  size_t max_request_bytes = 4 << 20;
  // Both outlive the server.
  const RetrievalHandler* handler = nullptr;
  ServerMetrics* metrics = nullptr;
  // Whether requests can be answered, and why not. Thread-safe.
  std::function<absl::Status()> ready = nullptr;
};

// HTTP beside gRPC: GET /metrics (Prometheus), /healthz (alive), /readyz (a
// bundle is active), POST /v1/retrieve (the messages of Retrieve as proto3
// JSON), GET / (this list). Errors are google.rpc.Status as JSON. Its threads
// are bounded; httplib.h and its exceptions are seen by this folder alone.
// Thread-safe.
class HttpServer {
 public:
  // Serves when it returns. Errors begin with "http": INVALID_ARGUMENT for an
  // address that cannot be, UNAVAILABLE when it is in use.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      HttpServerOptions options);
  ~HttpServer();

  // With the port that was taken.
  const std::string& address() const { return address_; }

  // Stops accepting and answers what is in progress. Idempotent.
  void Shutdown();

 private:
  explicit HttpServer(HttpServerOptions options);

  absl::Status Bind();
  void AddRoutes();
  void Retrieve(const httplib::Request& request,
                const httplib::ContentReader& read,
                httplib::Response* response) const;
  absl::Status RetrieveJson(const std::string& body, std::string* json) const;

  const HttpServerOptions options_;
  MethodMetrics& retrieve_metrics_;
  const std::unique_ptr<httplib::Server> server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_SERVER_H_
