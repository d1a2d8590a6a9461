// A gRPC server for a fake service, on a free port.
#ifndef TRIBUTARY_TESTS_CLIENT_LOCAL_SERVER_H_
#define TRIBUTARY_TESTS_CLIENT_LOCAL_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "fmt/core.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace tributary {

// Serves from construction to destruction, which cancels the calls in progress.
// Make it the last member of the service that it serves, because calls use the
// other members.
class LocalServer {
 public:
  explicit LocalServer(grpc::Service* service) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    address_ = fmt::format("127.0.0.1:{}", port);
  }
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_CLIENT_LOCAL_SERVER_H_
