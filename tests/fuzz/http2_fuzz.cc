// The input is what a client of gRPC sends after the preface of HTTP/2. The
// server must live, and answer others.
#include <chrono>
#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "server/server.h"
#include "tests/fuzz/fuzz_socket.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {
namespace {

constexpr int kRunsPerProbe = 64;
// The server's time for one input: it keeps most connections open.
constexpr int kPatienceMs = 3;
constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// SETTINGS without any.
constexpr std::string_view kSettings("\0\0\0\4\0\0\0\0\0", 9);

class Serving {
 public:
  Serving() {
    WriteTinyBundle(FuzzDir(), 1);
    v1::ServerConfig config;
    config.set_bundles(FuzzDir());
    config.set_listen("127.0.0.1:0");
    config.set_http("off");
    config.set_admin("off");
    config.mutable_defaults()->set_deadline_ms(60'000);
    config.mutable_residency()->set_warm_queries(0);
    server_ = Server::Start(config).value();
    stub_ = v1::Retrieval::NewStub(grpc::CreateChannel(
        server_->grpc_address(), grpc::InsecureChannelCredentials()));
  }

  const std::string& address() const { return server_->grpc_address(); }

  bool Answers() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    v1::RetrieveRequest request;
    request.set_user_id(10);
    request.set_k(3);
    v1::RetrieveResponse response;
    return stub_->Retrieve(&context, request, &response).ok() &&
           response.item_keys_size() == 3;
  }

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::Retrieval::Stub> stub_;
};

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static Serving serving;
  static int runs = 0;
  std::string bytes = kPreface;
  bytes += kSettings;
  bytes += AsText(data, size);
  Exchange(serving.address(), bytes, kPatienceMs);
  if (++runs % kRunsPerProbe == 1) Require(serving.Answers());
  return 0;
}
