#include "server/http/http_server.h"

#include <future>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "server/listen/bound_address.h"
#include "tests/server/http/raw_client.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTinyRequest[] =
    R"({"userId": "10", "k": 3, "quotas": {"taste": {"target": 2},
        "popularity": {"target": 1}}})";

class HttpTest : public testing::Test {
 protected:
  void Start(v1::ServerConfig config,
             RetrieverRegistry registry = RetrieverRegistry::BuiltIn()) {
    running_ = std::make_unique<RunningServer>(config, std::move(registry));
    client_ = std::make_unique<httplib::Client>(
        "http://" + running_->server().http_address());
  }
  void StartWithVersion() {
    const std::filesystem::path root = MakeTestDir();
    WriteTinyBundle(root, 1);
    Start(ConfigFor(root));
  }

  httplib::Response Get(const std::string& path) {
    const auto result = client_->Get(path.c_str());
    EXPECT_TRUE(result) << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }
  httplib::Response PostJson(const std::string& body) {
    const auto result = client_->Post("/v1/retrieve", body, "application/json");
    EXPECT_TRUE(result) << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }

  std::unique_ptr<RunningServer> running_;
  std::unique_ptr<httplib::Client> client_;
};

google::rpc::Status ErrorIn(const httplib::Response& response) {
  EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
  google::rpc::Status status;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(response.body, &status).ok())
      << response.body;
  return status;
}

TEST_F(HttpTest, ListsItsEndpoints) {
  StartWithVersion();
  const auto response = Get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("POST /v1/retrieve"));
}

TEST_F(HttpTest, IsAliveBeforeItIsReady) {
  const std::filesystem::path root = MakeTestDir();
  Start(ConfigFor(root));
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/healthz").body, "ok\n");
  const auto not_ready = Get("/readyz");
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_FALSE(ErrorIn(not_ready).message().empty());
  const auto refused = PostJson(kTinyRequest);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.get_header_value("Retry-After"), "1");
  EXPECT_EQ(ErrorIn(refused).code(), grpc::StatusCode::UNAVAILABLE);

  WriteTinyBundle(root, 1);
  running_->StageAndActivate(1);
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(PostJson(kTinyRequest).status, 200);
}

TEST_F(HttpTest, TheJsonReplyIsTheMessageOfGrpc) {
  StartWithVersion();
  const auto response = PostJson(kTinyRequest);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
  v1::RetrieveResponse by_json;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(response.body, &by_json)
          .ok());
  std::string printed;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(by_json, &printed).ok());
  EXPECT_EQ(response.body, printed);
  v1::RetrieveResponse by_grpc;
  ASSERT_TRUE(running_->Retrieve(TinyRequest(), &by_grpc).ok());
  for (auto* answer : {&by_json, &by_grpc}) {
    for (auto& report : *answer->mutable_source_reports()) {
      report.clear_micros();
    }
  }
  EXPECT_EQ(by_json.item_keys_size(), 3);
  EXPECT_TRUE(
      google::protobuf::util::MessageDifferencer::Equals(by_json, by_grpc))
      << by_json.DebugString() << by_grpc.DebugString();
}

TEST_F(HttpTest, ReportsBadRequestsAsJsonWithTheField) {
  StartWithVersion();
  const auto beyond = PostJson(R"({"k": 1000000})");
  EXPECT_EQ(beyond.status, 400);
  google::rpc::BadRequest details;
  const google::rpc::Status status = ErrorIn(beyond);
  for (const auto& any : status.details()) {
    if (any.Is<google::rpc::BadRequest>()) any.UnpackTo(&details);
  }
  ASSERT_EQ(details.field_violations_size(), 1);
  EXPECT_EQ(details.field_violations(0).field(), "k");

  const std::string deep(100'000, '[');
  EXPECT_THAT(ErrorIn(PostJson(R"({"k": -1})")).message(), StartsWith("k: "));
  for (const std::string& body :
       {std::string(), std::string("no"), std::string(R"({"k": 5)"),
        std::string("[]"), deep, R"({"recentItemKeys": )" + deep}) {
    const auto response = PostJson(body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(ErrorIn(response).message(),
                StartsWith("not a RetrieveRequest"))
        << body;
  }
  EXPECT_EQ(PostJson(R"({"bundleVersion": "9"})").status, 404);
}

TEST_F(HttpTest, RefusesOtherPathsAndMethods) {
  StartWithVersion();
  const auto nowhere = Get("/v2");
  EXPECT_EQ(nowhere.status, 404);
  EXPECT_EQ(ErrorIn(nowhere).code(), grpc::StatusCode::NOT_FOUND);
  const auto get = Get("/v1/retrieve");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.get_header_value("Allow"), "POST");
  EXPECT_THAT(ErrorIn(get).message(), HasSubstr("GET /v1/retrieve"));
  const auto post = client_->Post("/metrics", "body", "text/plain");
  ASSERT_TRUE(post);
  EXPECT_EQ(post->status, 405);
  EXPECT_EQ(client_->Head("/healthz")->status, 200);
  const httplib::MultipartFormDataItems form = {{"k", "5", "", ""}};
  EXPECT_EQ(client_->Post("/v1/retrieve", form)->status, 400);
  EXPECT_EQ(PostJson(kTinyRequest).status, 200);
}

TEST_F(HttpTest, RefusesBodiesThatAreTooLong) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  config.mutable_limits()->set_max_request_bytes(1024);
  Start(config);
  const std::string body = std::string(2000, ' ') + kTinyRequest;
  const auto response = PostJson(body);
  EXPECT_EQ(response.status, 413);
  EXPECT_THAT(ErrorIn(response).message(),
              HasSubstr("limits.max_request_bytes"));

  client_->set_compress(true);
  EXPECT_EQ(PostJson(body).status, 415);
  client_->set_compress(false);
  const auto chunked = client_->Post(
      "/v1/retrieve",
      [&](size_t, httplib::DataSink& sink) {
        sink.write(body.data(), body.size());
        sink.done();
        return true;
      },
      "application/json");
  ASSERT_TRUE(chunked);
  EXPECT_EQ(chunked->status, 413);
  EXPECT_EQ(PostJson(kTinyRequest).status, 200);
}

TEST_F(HttpTest, SharesAdmissionWithGrpc) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  config.mutable_limits()->set_max_concurrent_requests(1);
  Gate gate;
  Start(config, GatedRegistry(&gate));
  v1::RetrieveRequest request = TinyRequest();
  request.mutable_quotas()->erase("popularity");
  auto by_grpc = std::async(std::launch::async, [&] {
    v1::RetrieveResponse response;
    return running_->Retrieve(request, &response).ok();
  });
  gate.entered.acquire();
  const auto refused = PostJson(kTinyRequest);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(ErrorIn(refused).code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  gate.open.release();
  EXPECT_TRUE(by_grpc.get());
}

TEST_F(HttpTest, ShowsCallsOfBothTransportsInTheMetrics) {
  StartWithVersion();
  v1::RetrieveResponse response;
  ASSERT_TRUE(running_->Retrieve(TinyRequest(), &response).ok());
  ASSERT_EQ(PostJson("no").status, 400);
  ASSERT_EQ(Get("/v1/retrieve").status, 405);
  const auto metrics = Get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.get_header_value("Content-Type"),
              StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("grpc_server_handled_total"));
  EXPECT_THAT(metrics.body,
              testing::ContainsRegex(
                  "grpc_method=\"Retrieve\",grpc_code=\"OK\"[^}]*} 1"));
  EXPECT_THAT(metrics.body,
              testing::ContainsRegex("grpc_method=\"POST /v1/retrieve\","
                                     "grpc_code=\"InvalidArgument\"[^}]*} 1"));
  EXPECT_THAT(metrics.body,
              testing::ContainsRegex("grpc_method=\"POST /v1/retrieve\","
                                     "grpc_code=\"NotFound\"[^}]*} 1"));
}

TEST_F(HttpTest, ServesMoreConnectionsThanItHasThreads) {
  StartWithVersion();
  std::vector<std::unique_ptr<httplib::Client>> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(std::make_unique<httplib::Client>(
        "http://" + running_->server().http_address()));
    idle.back()->set_keep_alive(true);
    ASSERT_TRUE(idle.back()->Get("/healthz")) << i;
  }
}

TEST_F(HttpTest, AdminHasHealthOnAListenerOfItsOwn) {
  StartWithVersion();
  httplib::Client admin("http://" + running_->server().admin_address());
  for (const char* path :
       {"/", "/healthz", "/readyz", "/metrics", "/v1/health", "/v1/status"}) {
    EXPECT_EQ(admin.Get(path)->status, 200) << path;
    EXPECT_EQ(Get(path).status, 200) << path;
  }
  EXPECT_EQ(
      admin.Post("/v1/retrieve", kTinyRequest, "application/json")->status,
      404);
}

TEST_F(HttpTest, AdminOnlyTakesHealthFromHttp) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  config.set_admin_only(true);
  Start(config);
  for (const char* path :
       {"/healthz", "/readyz", "/metrics", "/v1/health", "/v1/status"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(Get("/").status, 200);
  EXPECT_EQ(PostJson(kTinyRequest).status, 200);
}

TEST_F(HttpTest, ListenersCanBeOff) {
  v1::ServerConfig config = ConfigFor(MakeTestDir());
  config.set_http("off");
  config.set_admin("off");
  RunningServer running(config);
  EXPECT_EQ(running.server().http_address(), "off");
  EXPECT_EQ(running.server().admin_address(), "off");
}

TEST_F(HttpTest, ADefaultAdminThatIsTakenIsDoneWithout) {
  // Somebody has the port: this test, or another server on this machine.
  const auto holder = BoundAddress::Bind("admin", "127.0.0.1:7702");
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  config.clear_admin();
  Start(config);
  EXPECT_EQ(running_->server().admin_address(), "off");
  EXPECT_EQ(Get("/readyz").status, 200);
  running_.reset();
  const auto start = [&] {
    return Server::Start(config, RetrieverRegistry::BuiltIn()).status();
  };
  config.set_admin_only(true);
  EXPECT_TRUE(absl::IsUnavailable(start())) << "health would be nowhere";
  config.clear_admin_only();
  config.set_http("off");
  EXPECT_TRUE(absl::IsUnavailable(start())) << "health would be nowhere";
  config = ConfigFor(root);
  config.set_admin("127.0.0.1:7702");
  EXPECT_TRUE(absl::IsUnavailable(start())) << "it was asked for";
}

TEST_F(HttpTest, WantsABody) {
  StartWithVersion();
  RawClient client;
  const std::string address = running_->server().http_address();
  ASSERT_TRUE(client.Connect(static_cast<uint16_t>(
      std::stoul(address.substr(address.rfind(':') + 1)))));
  client.Send("POST /v1/retrieve HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("HTTP/1.1 411"));
}

TEST_F(HttpTest, ReadinessSaysNoWhileCallsAreStillAnswered) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  v1::ServerConfig config = ConfigFor(root);
  config.mutable_execution()->set_drain_delay_ms(1000);
  Start(config);
  ASSERT_EQ(Get("/readyz").status, 200);
  std::thread shutdown([this] { running_->server().Shutdown(); });
  while (Get("/readyz").status == 200) std::this_thread::yield();
  EXPECT_EQ(PostJson(kTinyRequest).status, 200);
  shutdown.join();
}

TEST(HttpServer, RefusesMalformedAddresses) {
  ServerMetrics metrics;
  for (const char* address :
       {"", "7701", ":7701", "host:", "host:x", "127.0.0.1:65536"}) {
    const auto server =
        HttpServer::Start({.address = address, .metrics = &metrics});
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
}

}  // namespace
}  // namespace tributary
