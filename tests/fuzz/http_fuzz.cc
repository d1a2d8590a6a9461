// The input is what a client sends to an HttpServer. The server must live, and
// answer others.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/http/http_server.h"
#include "server/http/json_retrieval.h"
#include "tests/fuzz/fuzz_socket.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

constexpr int kRunsPerProbe = 64;
// The server's time for one input: it keeps most connections open.
constexpr int kPatienceMs = 3;
constexpr int kProbePatienceMs = 10'000;

// Parses the request as the server does, and replies with its user's key.
void ReplyToJson(const std::string& body, Criticality /*criticality*/,
                 const SharedRights& /*rights*/,
                 const std::shared_ptr<const std::atomic<bool>>& /*cancelled*/,
                 CallTrace* /*trace*/,
                 const std::function<void(absl::StatusOr<std::string>)>& done) {
  v1::RetrieveRequest request;
  const absl::Status parsed = ParseRetrieveRequest(body, &request);
  if (!parsed.ok()) return done(parsed);
  done(request.user_key());
}

std::unique_ptr<HttpServer> StartServer() {
  static ServerMetrics metrics;
  HttpServerOptions options;
  options.address = "127.0.0.1:0";
  options.metrics = &metrics;
  options.retrieve = ReplyToJson;
  options.ready = [] { return absl::OkStatus(); };
  options.listener.max_request_bytes = 4096;
  options.listener.max_header_bytes = 1024;
  options.listener.read_timeout = std::chrono::milliseconds(500);
  return HttpServer::Start(std::move(options)).value();
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const std::unique_ptr<HttpServer> server = StartServer();
  static int runs = 0;
  Exchange(server->address(), AsText(data, size), kPatienceMs);
  if (++runs % kRunsPerProbe == 1) {
    const std::string reply = Exchange(
        server->address(), "GET /healthz HTTP/1.0\r\n\r\n", kProbePatienceMs);
    Require(reply.starts_with("HTTP/1") && reply.ends_with("ok\n"));
  }
  return 0;
}
