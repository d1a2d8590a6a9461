#include "server/server.h"

#include <future>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/server/rpc/error_detail.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

bool IsServing(Server& server, const std::string& service) {
  const auto stub =
      grpc::health::v1::Health::NewStub(ChannelTo(server.grpc_address()));
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

std::filesystem::path TinyRoot() {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  return root;
}

TEST(Server, AnswersFromTheVersionOnDisk) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::RetrieveResponse response;
  const grpc::Status status = running.Retrieve(TinyRequest(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  // taste proposes e, d and c, because a and b are seen. f is the most popular.
  EXPECT_THAT(response.item_keys(),
              testing::UnorderedElementsAre("e", "d", "f"));
  EXPECT_EQ(response.bundle_version(), 1);
  EXPECT_TRUE(IsServing(running.server(), ""));
  EXPECT_TRUE(IsServing(running.server(), "tributary.v1.Retrieval"));
}

TEST(Server, AnswersEachRequestOfABatchAsIfAlone) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = TinyRequest();
  *batch.add_requests() = TinyRequest();
  batch.mutable_requests(1)->set_k(1'000'000);
  v1::BatchRetrieveResponse response;
  const grpc::Status status = running.BatchRetrieve(batch, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.entries_size(), 2);
  v1::RetrieveResponse alone;
  ASSERT_TRUE(running.Retrieve(TinyRequest(), &alone).ok());
  EXPECT_EQ(response.entries(0).code(), 0);
  for (auto* reply :
       {&alone, response.mutable_entries(0)->mutable_response()}) {
    for (auto& report : *reply->mutable_source_reports()) report.clear_micros();
  }
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      response.entries(0).response(), alone));
  EXPECT_EQ(response.entries(1).code(), 3);
  EXPECT_EQ(response.bundle_version(), 1);
}

TEST(Server, RefusesABatchOfSeveralVersions) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = TinyRequest();
  *batch.add_requests() = TinyRequest();
  batch.mutable_requests(1)->set_bundle_version(1);
  v1::BatchRetrieveResponse response;
  const grpc::Status status = running.BatchRetrieve(batch, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "requests[1].bundle_version");
}

TEST(Server, ABatchIsAnsweredFromTheLabelThatAllName) {
  const std::filesystem::path root = TinyRoot();
  WriteTinyBundle(root, 2);
  RunningServer running(ConfigFor(root));  // activates version 2
  running.StageAndActivate(1);
  v1::SetLabelRequest label;
  label.set_name("canary");
  label.set_version(2);
  label.set_share(1);
  grpc::ClientContext context;
  v1::ServerStatus labelled;
  ASSERT_TRUE(running.bundles().SetLabel(&context, label, &labelled).ok());
  v1::RetrieveResponse alone;
  ASSERT_TRUE(running.Retrieve(TinyRequest(), &alone).ok());
  EXPECT_EQ(alone.bundle_label(), "canary");
  EXPECT_EQ(alone.bundle_version(), 2);

  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = TinyRequest();
  *batch.add_requests() = TinyRequest();
  v1::BatchRetrieveResponse response;
  ASSERT_TRUE(running.BatchRetrieve(batch, &response).ok());
  EXPECT_EQ(response.bundle_version(), 1);
  EXPECT_EQ(response.entries(0).response().bundle_label(), "");
  batch.mutable_requests(0)->set_bundle_label("canary");
  EXPECT_EQ(FieldOf(running.BatchRetrieve(batch, &response)),
            "requests[1].bundle_label");
  batch.mutable_requests(1)->set_bundle_label("canary");
  ASSERT_TRUE(running.BatchRetrieve(batch, &response).ok());
  EXPECT_EQ(response.bundle_version(), 2);
  EXPECT_EQ(response.entries(1).response().bundle_label(), "canary");
}

TEST(Server, NamesTheInvalidField) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::RetrieveRequest request = TinyRequest();
  request.set_k(1'000'000);
  v1::RetrieveResponse response;
  grpc::Status status = running.Retrieve(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "k");
  request = TinyRequest();
  (*request.mutable_quotas())["taste"].set_max(1);
  status = running.Retrieve(request, &response);
  EXPECT_EQ(FieldOf(status), "quotas[\"taste\"].max");
  request = TinyRequest();
  request.set_bundle_version(9);
  status = running.Retrieve(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "tributary");
}

TEST(Server, WaitsForTheControlPlaneWithoutAVersion) {
  const std::filesystem::path root = MakeTestDir();
  RunningServer running(ConfigFor(root));
  v1::RetrieveResponse response;
  grpc::Status status = running.Retrieve(TinyRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status).has_retry_delay());
  EXPECT_FALSE(IsServing(running.server(), ""));

  WriteTinyBundle(root, 4);
  running.StageAndActivate(4);
  status = running.Retrieve(TinyRequest(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.bundle_version(), 4);
  EXPECT_TRUE(IsServing(running.server(), ""));
}

TEST(Server, WaitsForTheControlPlaneWithABrokenVersion) {
  const std::filesystem::path root = TinyRoot();
  OverwriteFile(root / "1" / "manifest.json", "{}");
  RunningServer running(ConfigFor(root));
  EXPECT_FALSE(IsServing(running.server(), ""));
  WriteTinyBundle(root, 2);
  running.StageAndActivate(2);
  EXPECT_TRUE(IsServing(running.server(), ""));
}

TEST(Server, ServesTheControlPlaneOnlyOnItsOwnSocket) {
  const std::filesystem::path root = TinyRoot();
  RunningServer running(ConfigFor(root));
  EXPECT_EQ(running.server().control_address(),
            "unix:" + (root / "control.sock").native());
  WriteTinyBundle(root, 2);
  running.StageAndActivate(2);

  grpc::ClientContext list_context;
  v1::ListBundlesResponse list;
  ASSERT_TRUE(running.bundles().List(&list_context, {}, &list).ok());
  ASSERT_EQ(list.bundles_size(), 2);
  EXPECT_EQ(list.bundles(0).state(), v1::PREVIOUS);
  EXPECT_EQ(list.bundles(1).state(), v1::ACTIVE);

  grpc::ClientContext rollback_context;
  v1::BundleStatus rolled_back;
  ASSERT_TRUE(
      running.bundles().Rollback(&rollback_context, {}, &rolled_back).ok());
  EXPECT_EQ(rolled_back.version(), 1);

  grpc::ClientContext unload_context;
  v1::UnloadRequest unload;
  unload.set_version(1);
  v1::UnloadResponse unloaded;
  EXPECT_EQ(
      running.bundles().Unload(&unload_context, unload, &unloaded).error_code(),
      grpc::StatusCode::FAILED_PRECONDITION);

  grpc::ClientContext refuse_context;
  v1::RefuseRequest refuse;
  refuse.set_version(7);
  refuse.set_reason("hash");
  v1::RefuseResponse refused;
  ASSERT_TRUE(running.bundles().Refuse(&refuse_context, refuse, &refused).ok());
  grpc::ClientContext status_context;
  v1::ServerStatus status;
  ASSERT_TRUE(running.bundles().GetStatus(&status_context, {}, &status).ok());
  EXPECT_EQ(status.active_version(), 1);
  EXPECT_EQ(status.last_refusal().reason(), "hash");

  const auto elsewhere =
      v1::Bundles::NewStub(ChannelTo(running.server().grpc_address()));
  grpc::ClientContext context;
  EXPECT_EQ(elsewhere->List(&context, {}, &list).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST(Server, ReportsErrorsOfTheControlPlane) {
  RunningServer running(ConfigFor(TinyRoot()));
  grpc::ClientContext stage_context;
  v1::StageRequest stage;
  stage.set_version(9);
  v1::BundleStatus status;
  EXPECT_EQ(
      running.bundles().Stage(&stage_context, stage, &status).error_code(),
      grpc::StatusCode::NOT_FOUND);
  grpc::ClientContext activate_context;
  v1::ActivateRequest activate;
  activate.set_version(9);
  EXPECT_EQ(running.bundles()
                .Activate(&activate_context, activate, &status)
                .error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST(Server, RefusesRequestsBeyondItsConcurrency) {
  Gate gate;
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_limits()->set_max_concurrent_requests(1);
  RunningServer running(config, GatedRegistry(&gate));
  v1::RetrieveRequest request = TinyRequest();
  request.mutable_quotas()->erase("popularity");
  auto first = std::async(std::launch::async, [&] {
    v1::RetrieveResponse response;
    return running.Retrieve(request, &response);
  });
  gate.entered.acquire();
  v1::RetrieveResponse response;
  const grpc::Status refused = running.Retrieve(request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(refused).has_retry_delay());
  gate.open.release();
  EXPECT_TRUE(first.get().ok());
  gate.open.release();
  EXPECT_TRUE(running.Retrieve(request, &response).ok());
}

TEST(Server, AnswersCallsInProgressWhenItShutsDown) {
  Gate gate;
  RunningServer running(ConfigFor(TinyRoot()), GatedRegistry(&gate));
  v1::RetrieveRequest request = TinyRequest();
  request.mutable_quotas()->erase("popularity");
  const auto health = grpc::health::v1::Health::NewStub(
      ChannelTo(running.server().grpc_address()));
  grpc::ClientContext watch_context;
  const auto watch = health->Watch(&watch_context, {});
  grpc::health::v1::HealthCheckResponse seen;
  ASSERT_TRUE(watch->Read(&seen));
  auto in_progress = std::async(std::launch::async, [&] {
    v1::RetrieveResponse response;
    return running.Retrieve(request, &response);
  });
  gate.entered.acquire();
  auto shutdown =
      std::async(std::launch::async, [&] { running.server().Shutdown(); });
  // The watcher gets the status, and its stream ends, before the server waits
  // for calls.
  ASSERT_TRUE(watch->Read(&seen));
  EXPECT_EQ(seen.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&seen));
  EXPECT_EQ(shutdown.wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  gate.open.release();
  const grpc::Status answered = in_progress.get();
  EXPECT_TRUE(answered.ok()) << answered.error_message();
  shutdown.get();
  v1::RetrieveResponse response;
  EXPECT_EQ(running.Retrieve(request, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST(Server, CancelsCallsThatDoNotEndWithinTheDrain) {
  Gate gate;
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_execution()->set_drain_ms(1);
  RunningServer running(config, GatedRegistry(&gate));
  v1::RetrieveRequest request = TinyRequest();
  request.mutable_quotas()->erase("popularity");
  auto in_progress = std::async(std::launch::async, [&] {
    v1::RetrieveResponse response;
    return running.Retrieve(request, &response);
  });
  gate.entered.acquire();
  auto shutdown =
      std::async(std::launch::async, [&] { running.server().Shutdown(); });
  EXPECT_FALSE(in_progress.get().ok());
  gate.open.release();
  shutdown.get();
}

TEST(Server, ReportsWhyItCannotStart) {
  const auto error_of = [](const v1::ServerConfig& config) {
    const auto server = Server::Start(config);
    EXPECT_FALSE(server.ok());
    return std::string(server.status().message());
  };
  EXPECT_THAT(error_of({}), HasSubstr("bundles"));
  v1::ServerConfig config = ConfigFor(MakeTestDir() / "none");
  EXPECT_THAT(error_of(config), HasSubstr("bundles: no directory"));

  RunningServer running(ConfigFor(TinyRoot()));
  config = ConfigFor(TinyRoot());
  config.set_listen(running.server().grpc_address());
  EXPECT_THAT(error_of(config), HasSubstr("listen: cannot listen on"));
  config = ConfigFor(TinyRoot());
  config.set_http(running.server().http_address());
  EXPECT_THAT(error_of(config), HasSubstr("http: cannot listen on"));
  config = ConfigFor(TinyRoot());
  config.set_admin(running.server().admin_address());
  EXPECT_THAT(error_of(config), HasSubstr("admin: cannot listen on"));
  config = ConfigFor(TinyRoot());
  config.set_control(running.server().control_address());
  EXPECT_THAT(error_of(config), HasSubstr("control: another server answers"));
}

TEST(Server, FindsATakenAddressBeforeItLoadsAnything) {
  RunningServer running(ConfigFor(TinyRoot()));
  int made = 0;
  RetrieverRegistry counting;
  for (const char* kind : {"vector", "popularity"}) {
    counting.Register(
        kind, [&made](const Bundle& bundle, const v1::RetrieverSpec& spec) {
          ++made;
          return RetrieverRegistry::BuiltIn().Make(bundle, spec);
        });
  }
  const std::filesystem::path root = TinyRoot();
  for (int which = 0; which < 4; ++which) {
    v1::ServerConfig config = ConfigFor(root);
    if (which == 0) config.set_listen(running.server().grpc_address());
    if (which == 1) config.set_http(running.server().http_address());
    if (which == 2) config.set_control(running.server().control_address());
    if (which == 3) config.set_admin(running.server().admin_address());
    EXPECT_TRUE(absl::IsUnavailable(Server::Start(config, counting).status()));
  }
  EXPECT_EQ(made, 0);
  EXPECT_TRUE(Server::Start(ConfigFor(root), counting).ok());
  EXPECT_GT(made, 0);
}

TEST(Server, TwoDoNotWriteToOneDirectory) {
  const std::filesystem::path root = TinyRoot();
  {
    RunningServer running(ConfigFor(root));
    v1::ServerConfig config = ConfigFor(root);
    config.set_control("unix:" + (MakeTestDir() / "control.sock").native());
    const auto second = Server::Start(config);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(second.status().message()),
                HasSubstr("another tributary-server has locked"));
  }
  EXPECT_TRUE(Server::Start(ConfigFor(root)).ok());
}

TEST(Server, ABundleIsNoDirectoryOfBundles) {
  const auto server = Server::Start(ConfigFor(TinyRoot() / "1"));
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status().message()),
              HasSubstr("is one bundle"));
}

}  // namespace
}  // namespace tributary
