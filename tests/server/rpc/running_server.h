// A whole server in this process, on free ports, over bundles in a temporary
// directory.
#ifndef TRIBUTARY_TESTS_SERVER_RPC_RUNNING_SERVER_H_
#define TRIBUTARY_TESTS_SERVER_RPC_RUNNING_SERVER_H_

#include <filesystem>
#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tributary/v1/bundles.grpc.pb.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// The configuration of a server over `root`. Deadlines are long, because
// sanitizers are slow. Bundles are not warmed up, because retrievers of these
// tests wait for the test before they answer.
inline v1::ServerConfig ConfigFor(const std::filesystem::path& root) {
  v1::ServerConfig config;
  config.set_bundles(root);
  config.set_listen("127.0.0.1:0");
  config.set_http("127.0.0.1:0");
  config.set_admin("127.0.0.1:0");
  config.mutable_defaults()->set_deadline_ms(60'000);
  config.mutable_residency()->set_warm_queries(0);
  return config;
}

inline std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

// The server with stubs for its services.
class RunningServer {
 public:
  explicit RunningServer(
      const v1::ServerConfig& config,
      RetrieverRegistry registry = RetrieverRegistry::BuiltIn()) {
    auto started = Server::Start(config, std::move(registry));
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    retrieval_ = v1::Retrieval::NewStub(ChannelTo(server_->grpc_address()));
    bundles_ = v1::Bundles::NewStub(ChannelTo(server_->control_address()));
  }

  Server& server() const { return *server_; }
  v1::Bundles::Stub& bundles() { return *bundles_; }

  grpc::Status Retrieve(const v1::RetrieveRequest& request,
                        v1::RetrieveResponse* response) {
    grpc::ClientContext context;
    return retrieval_->Retrieve(&context, request, response);
  }
  grpc::Status BatchRetrieve(const v1::BatchRetrieveRequest& request,
                             v1::BatchRetrieveResponse* response) {
    grpc::ClientContext context;
    return retrieval_->BatchRetrieve(&context, request, response);
  }
  void StageAndActivate(uint64_t version) {
    v1::BundleStatus status;
    v1::StageRequest stage;
    stage.set_version(version);
    grpc::ClientContext stage_context;
    const grpc::Status staged = bundles_->Stage(&stage_context, stage, &status);
    EXPECT_TRUE(staged.ok()) << staged.error_message();
    v1::ActivateRequest activate;
    activate.set_version(version);
    grpc::ClientContext activate_context;
    const grpc::Status activated =
        bundles_->Activate(&activate_context, activate, &status);
    EXPECT_TRUE(activated.ok()) << activated.error_message();
  }

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::Retrieval::Stub> retrieval_;
  std::unique_ptr<v1::Bundles::Stub> bundles_;
};

// Asks both retrievers of the tiny bundle.
inline v1::RetrieveRequest TinyRequest() {
  v1::RetrieveRequest request;
  request.set_user_id(10);
  request.set_k(3);
  (*request.mutable_quotas())["taste"].set_target(2);
  (*request.mutable_quotas())["popularity"].set_target(1);
  return request;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_RUNNING_SERVER_H_
