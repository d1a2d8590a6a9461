// Explain as JSON over HTTP, on a whole server.
#include <future>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"
#include "tributary/v1/explain.grpc.pb.h"

namespace tributary {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// User 10 has seen a.
constexpr char kWhyA[] =
    R"({"request": {"userId": "10", "k": 3}, "itemKeys": ["a", "zz"]})";

class HttpExplainTest : public testing::Test {
 protected:
  void Start(RetrieverRegistry registry = RetrieverRegistry::BuiltIn()) {
    const std::filesystem::path root = MakeTestDir();
    WriteTinyBundle(root, 1);
    running_ =
        std::make_unique<RunningServer>(ConfigFor(root), std::move(registry));
  }
  httplib::Response Post(const std::string& body) {
    httplib::Client client("http://" + running_->server().http_address());
    const auto result = client.Post("/v1/explain", body, "application/json");
    EXPECT_TRUE(result) << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }
  std::string Get(const char* path) {
    httplib::Client client("http://" + running_->server().http_address());
    const auto result = client.Get(path);
    return result ? result->body : "";
  }
  static std::string MessageOf(const httplib::Response& response) {
    google::rpc::Status status;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(response.body, &status)
            .ok())
        << response.body;
    return status.message();
  }

  std::unique_ptr<RunningServer> running_;
};

TEST_F(HttpExplainTest, AnswersWithTheMessageAsJson) {
  Start();
  const httplib::Response response = Post(kWhyA);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
  v1::ExplainResponse explained;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(response.body, &explained)
          .ok());
  ASSERT_EQ(explained.items_size(), 2);
  EXPECT_EQ(explained.items(0).verdict(), v1::SEEN);
  EXPECT_TRUE(explained.items(0).remedy().include_seen());
  EXPECT_EQ(explained.items(1).verdict(), v1::NOT_IN_THE_CATALOGUE);
  EXPECT_EQ(explained.bundle_version(), 1);
  EXPECT_THAT(Get("/"), HasSubstr("POST /v1/explain"));
  EXPECT_THAT(Get("/metrics"), ContainsRegex("grpc_method=\"POST /v1/explain\","
                                             "grpc_code=\"OK\"[^}]*} 1"));
}

TEST_F(HttpExplainTest, ErrorsBeginWithTheFieldsPath) {
  Start();
  const auto expect = [this](const std::string& body, int status,
                             const std::string& message) {
    const httplib::Response response = Post(body);
    EXPECT_EQ(response.status, status) << body;
    EXPECT_THAT(MessageOf(response), HasSubstr(message)) << body;
  };
  expect("no", 400, "not an ExplainRequest: ");
  expect(R"({"request": {"k": -1}, "itemKeys": ["a"]})", 400,
         "request.k: expected uint32, found -1");
  expect(R"({"request": {"kk": 1}})", 400, "request.kk: there is no such");
  expect(R"({"request": {"k": 5000}, "itemKeys": ["a"]})", 400,
         "request.k: 5000, limits.max_k is");
  expect(R"({"request": {}})", 400, "item_keys: empty, expected at least one");
  expect(R"({"request": {"bundleVersion": "9"}, "itemKeys": ["a"]})", 404, "9");
  EXPECT_THAT(Get("/v1/explain"), HasSubstr("GET /v1/explain does not exist"));
}

TEST_F(HttpExplainTest, SharesThePlaceWithGrpc) {
  Gate gate;
  Start(GatedRegistry(&gate));
  const auto stub =
      v1::Explanation::NewStub(ChannelTo(running_->server().grpc_address()));
  auto by_grpc = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    v1::ExplainRequest request;
    request.add_item_keys("a");
    v1::ExplainResponse response;
    return stub->Explain(&context, request, &response).ok();
  });
  gate.entered.acquire();
  const httplib::Response refused = Post(kWhyA);
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(MessageOf(refused), HasSubstr("one runs at a time"));
  gate.open.release(1000);
  EXPECT_TRUE(by_grpc.get());
  EXPECT_EQ(Post(kWhyA).status, 200);
}

}  // namespace
}  // namespace tributary
