#include "server/http/json_batch.h"

#include <future>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

TEST(CountJsonRequestsTest, CountsTheObjectsOfTheList) {
  const auto count = [](const std::string& json) {
    return CountJsonRequests(json, 64);
  };
  EXPECT_EQ(count(""), 0);
  EXPECT_EQ(count("{}"), 0);
  EXPECT_EQ(count(R"({"requests": []})"), 0);
  EXPECT_EQ(count(R"({"requests": [{}, {"k": 5}, {"filter": {}}]})"), 3);
  EXPECT_EQ(count(R"({"requests": [{"like": [{}, {}]}, {}]})"), 2);
  EXPECT_EQ(count(R"({"requests": [{"userKey": "[{\"{[{"}, {}]})"), 2);
  EXPECT_EQ(count("]]]]{[{"), 0);
}

TEST(CountJsonRequestsTest, CountsNoMoreThanThereMayBe) {
  EXPECT_EQ(CountJsonRequests("{[{},{},{},{}]}", 3), 3);
  EXPECT_EQ(CountJsonRequests(std::string(1 << 20, ' '), 64), 64);
}

class JsonBatchTest : public testing::Test {
 protected:
  void Start(v1::ServerConfig config, RetrieverRegistry registry) {
    running_ = std::make_unique<RunningServer>(config, std::move(registry));
    client_ = std::make_unique<httplib::Client>(
        "http://" + running_->server().http_address());
  }
  httplib::Response Post(const std::string& body,
                         const httplib::Headers& headers = {}) {
    const auto result =
        client_->Post("/v1/batch", headers, body, "application/json");
    EXPECT_TRUE(result) << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }

  std::unique_ptr<RunningServer> running_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(JsonBatchTest, TheReplyIsTheMessageOfGrpc) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  Start(ConfigFor(root), RetrieverRegistry::BuiltIn());
  const auto reply = Post(
      R"({"requests": [{"userId": "10", "k": 2}, {"k": 1000000}, {"k": 1}]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  v1::BatchRetrieveResponse response;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(reply.body, &response).ok());
  EXPECT_EQ(response.bundle_version(), 1);
  ASSERT_EQ(response.entries_size(), 3);
  EXPECT_EQ(response.entries(0).response().item_keys_size(), 2);
  EXPECT_EQ(response.entries(1).code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(response.entries(2).response().item_keys_size(), 1);
  EXPECT_EQ(Post("").status, 400);
  EXPECT_THAT(Post("").body, HasSubstr("not a BatchRetrieveRequest"));
  EXPECT_EQ(Post("{}").status, 200);
}

TEST_F(JsonBatchTest, CountsAsManyCallsAsItHasRequests) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  // Batches may take half of them.
  config.mutable_limits()->set_max_concurrent_requests(6);
  config.mutable_execution()->set_request_threads(2);
  config.mutable_overload()->set_max_wait_ms(10'000);
  Gate gate;
  Start(config, GatedRegistry(&gate));
  v1::RetrieveRequest request = TinyRequest();
  request.mutable_quotas()->erase("popularity");
  auto waits = std::async(std::launch::async, [&] {
    v1::RetrieveResponse response;
    return running_->Retrieve(request, &response).ok();
  });
  gate.entered.acquire();
  // Wrong in itself: no retriever is asked, which would wait at the gate.
  const std::string wrong = R"({"k": 1000000})";
  const std::string two = wrong + "," + wrong;
  EXPECT_EQ(Post("{\"requests\": [" + two + "]}").status, 200);
  const std::string three = "{\"requests\": [" + two + "," + wrong + "]}";
  EXPECT_EQ(Post(three).status, 429);
  EXPECT_EQ(Post(three, {{"x-tributary-criticality", "interactive"}}).status,
            200);
  gate.open.release();
  EXPECT_TRUE(waits.get());
}

}  // namespace
}  // namespace tributary
