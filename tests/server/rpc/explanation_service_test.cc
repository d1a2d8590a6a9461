// Explain over gRPC, on whole servers.
#include "server/rpc/explanation_service.h"

#include <algorithm>
#include <future>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/rpc/ask_reflection.h"
#include "tests/server/rpc/error_detail.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

std::filesystem::path RootWithVersion() {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  return root;
}

v1::ExplainRequest TinyExplainRequest(const std::string& key) {
  v1::ExplainRequest request;
  *request.mutable_request() = TinyRequest();
  request.add_item_keys(key);
  return request;
}

class ExplanationTest : public testing::Test {
 protected:
  void Start(const v1::ServerConfig& config,
             RetrieverRegistry registry = RetrieverRegistry::BuiltIn()) {
    running_ = std::make_unique<RunningServer>(config, std::move(registry));
    stub_ =
        v1::Explanation::NewStub(ChannelTo(running_->server().grpc_address()));
  }
  grpc::Status Explain(
      const v1::ExplainRequest& request,
      std::chrono::milliseconds deadline = std::chrono::minutes(1)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    return stub_->Explain(&context, request, &response_);
  }
  // Waits until no call is in progress any more: one without an item is then
  // refused for that.
  void WaitUntilFree() {
    while (Explain({}).error_code() != grpc::StatusCode::INVALID_ARGUMENT) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Returns after the server has read what the connection had sent before: that
  // a caller has given up. Calls on the same connection do not overtake it, and
  // they are many because a thread of the server may be slow with what it has
  // read.
  void WaitUntilRead() {
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(Explain({}).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    }
  }

  std::unique_ptr<RunningServer> running_;
  std::unique_ptr<v1::Explanation::Stub> stub_;
  v1::ExplainResponse response_;
};

TEST_F(ExplanationTest, ExplainsWhereRetrievalListens) {
  Start(ConfigFor(RootWithVersion()));
  // User 10 has seen a.
  const grpc::Status status = Explain(TinyExplainRequest("a"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.items_size(), 1);
  EXPECT_EQ(response_.items(0).verdict(), v1::SEEN);
  EXPECT_EQ(response_.bundle_version(), 1);
  EXPECT_EQ(response_.k(), 3);
  EXPECT_EQ(response_.candidates(), 3);
  v1::RetrieveResponse retrieved;
  ASSERT_TRUE(running_->Retrieve(response_.items(0).remedy(), &retrieved).ok());
  EXPECT_NE(std::ranges::find(retrieved.item_keys(), "a"),
            retrieved.item_keys().end());
}

TEST_F(ExplanationTest, RefusesWhatRetrieveRefuses) {
  Start(ConfigFor(RootWithVersion()));
  v1::ExplainRequest request = TinyExplainRequest("a");
  (*request.mutable_request()->mutable_quotas())["none"].set_target(1);
  grpc::Status status = Explain(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "request.quotas[\"none\"]");
  v1::RetrieveResponse ignored;
  EXPECT_EQ(
      status.error_message(),
      "request." +
          running_->Retrieve(request.request(), &ignored).error_message());

  request = TinyExplainRequest("a");
  request.mutable_request()->set_bundle_version(7);
  EXPECT_EQ(Explain(request).error_code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_request()->set_bundle_label("canary");
  status = Explain(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldOf(status), HasSubstr("request."));

  request = TinyExplainRequest("a");
  request.clear_item_keys();
  EXPECT_EQ(FieldOf(Explain(request)), "item_keys");
  for (int i = 0; i < 17; ++i) request.add_item_keys("a");
  status = Explain(request);
  EXPECT_EQ(FieldOf(status), "item_keys");
  EXPECT_THAT(status.error_message(),
              HasSubstr("limits.max_explained_items, 16"));
}

TEST_F(ExplanationTest, MayBeOffAndHasAVersionToWaitFor) {
  v1::ServerConfig config = ConfigFor(MakeTestDir());
  Start(config);
  EXPECT_EQ(Explain(TinyExplainRequest("a")).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  config = ConfigFor(RootWithVersion());
  config.mutable_limits()->set_max_explained_items(0);
  Start(config);
  EXPECT_EQ(Explain(TinyExplainRequest("a")).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ExplanationTest, OneRunsAtATimeAndRetrievalsGoOn) {
  Gate gate;
  Start(ConfigFor(RootWithVersion()), GatedRegistry(&gate));
  auto first = std::async(std::launch::async, [this] {
    grpc::ClientContext context;
    v1::ExplainResponse response;
    return stub_->Explain(&context, TinyExplainRequest("a"), &response);
  });
  gate.entered.acquire();
  grpc::Status second = Explain(TinyExplainRequest("a"));
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_GT(DetailOf<google::rpc::RetryInfo>(second).retry_delay().nanos(), 0);
  gate.open.release(1000);
  v1::RetrieveResponse retrieved;
  EXPECT_TRUE(running_->Retrieve(TinyRequest(), &retrieved).ok());
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(Explain(TinyExplainRequest("a")).ok());
}

TEST_F(ExplanationTest, GivesUpWhenTheCallerDoes) {
  Gate gate;
  Start(ConfigFor(RootWithVersion()), GatedRegistry(&gate));
  EXPECT_EQ(Explain(TinyExplainRequest("a"), std::chrono::milliseconds(100))
                .error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  gate.entered.acquire();
  WaitUntilRead();
  // The search that is in progress ends; there is no further one, which would
  // wait at the gate.
  gate.open.release();
  WaitUntilFree();

  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] {
    v1::ExplainResponse response;
    return stub_->Explain(&context, TinyExplainRequest("a"), &response);
  });
  gate.entered.acquire();
  context.TryCancel();
  EXPECT_EQ(call.get().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntilRead();
  gate.open.release();
  WaitUntilFree();
  EXPECT_FALSE(gate.entered.try_acquire());
}

TEST_F(ExplanationTest, AShutdownEndsACall) {
  Gate gate;
  v1::ServerConfig config = ConfigFor(RootWithVersion());
  config.mutable_execution()->set_drain_delay_ms(0);
  Start(config, GatedRegistry(&gate));
  auto call = std::async(std::launch::async, [this] {
    grpc::ClientContext context;
    v1::ExplainResponse response;
    return stub_->Explain(&context, TinyExplainRequest("a"), &response);
  });
  gate.entered.acquire();
  auto shutdown =
      std::async(std::launch::async, [this] { running_->server().Shutdown(); });
  while (Explain({}).error_code() != grpc::StatusCode::UNAVAILABLE) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // The sources of one list, and no further search.
  gate.open.release(2);
  EXPECT_EQ(call.get().error_code(), grpc::StatusCode::UNAVAILABLE);
  shutdown.get();
}

TEST_F(ExplanationTest, ReflectionDescribesIt) {
  Start(ConfigFor(RootWithVersion()));
  const std::string& address = running_->server().grpc_address();
  const std::string name = "tributary.v1.Explanation";
  // list_services; file_containing_symbol.
  EXPECT_THAT(AskReflection(address, "\x3a\x01*"), HasSubstr(name));
  EXPECT_THAT(AskReflection(address, std::string("\x22") +
                                         static_cast<char>(name.size()) + name),
              HasSubstr("ExplainRequest"));
}

}  // namespace
}  // namespace tributary
