// Build, verify, publish, load, serve, scrape: the real programs together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EndToEndTest : public testing::Test {
 protected:
  void PublishVersion(uint64_t version) {
    ASSERT_NO_FATAL_FAILURE(deployment_.Build(version));
    const Outcome outcome = deployment_.Publish(version);
    ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  }

  bool Exists(const std::filesystem::path& path) {
    return std::filesystem::exists(path);
  }

  Deployment deployment_;
};

TEST_F(EndToEndTest, APublishedVersionIsServed) {
  PublishVersion(1);
  deployment_.StartServer();
  EXPECT_EQ(deployment_.Get("/healthz"), "ok\n");
  EXPECT_EQ(deployment_.Get("/readyz"), "status 503");
  v1::RetrieveRequest request;
  request.set_user_key("u1");
  request.set_k(20);
  EXPECT_EQ(deployment_.client().Retrieve(request).status().code(),
            absl::StatusCode::kUnavailable);

  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1)) << deployment_.loader().Output();
  EXPECT_THAT(deployment_.Get("/readyz"), Not(HasSubstr("status")));
  const auto response = deployment_.client().Retrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->item_keys_size(), 20);
  EXPECT_EQ(response->bundle_version(), 1);
  EXPECT_FALSE(response->cold_start());

  const Outcome shown =
      RunProgram({Program("tributary"), "retrieve", "u1", "-k", "5", "--quota",
                  "behavior=3,content=2", "--address", deployment_.grpc()});
  EXPECT_EQ(shown.exit_status, 0) << shown.output;
  EXPECT_THAT(shown.output, AllOf(HasSubstr("v1-"), HasSubstr("behavior"),
                                  HasSubstr("bundle version 1")));
  EXPECT_EQ(deployment_.StopLoader(), 0);
  EXPECT_EQ(deployment_.StopServer(), 0);
}

TEST_F(EndToEndTest, BenchMeasuresAServer) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  const auto users = MakeTestDir() / "users";
  OverwriteFile(users, "u1\nu2\n");
  const auto json = MakeTestDir() / "bench.json";
  const auto bench = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "bench", "--address",
                  deployment_.grpc(), "-k", "5", "--deadline-ms", "60000",
                  "--warm-up", "0", "--duration", "0.2", "--json", json});
    return RunProgram(flags);
  };
  const Outcome closed = bench({"--users", users});
  EXPECT_EQ(closed.exit_status, 0) << closed.output;
  EXPECT_THAT(closed.output,
              AllOf(HasSubstr("closed loop, 4 callers"), HasSubstr("p99_9"),
                    HasSubstr("errors      0\n"), HasSubstr("cold start 0\n")));
  EXPECT_THAT(ReadFile(json), AllOf(HasSubstr("\"mode\": \"closed\""),
                                    HasSubstr("\"latency_us\"")));
  const Outcome open = bench({"--cold", "--rate", "200"});
  EXPECT_EQ(open.exit_status, 0) << open.output;
  EXPECT_THAT(open.output, HasSubstr("open loop, 200 calls/s"));
  EXPECT_THAT(open.output, Not(HasSubstr("cold start 0\n")));
  const Outcome of_nobody = bench({});
  EXPECT_EQ(of_nobody.exit_status, 1);
  EXPECT_THAT(of_nobody.output, HasSubstr("--user-range"));
}

TEST_F(EndToEndTest, JsonAndGrpcGiveTheSameAnswer) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  v1::RetrieveRequest request;
  request.set_user_key("u2");
  request.set_k(50);
  const auto by_grpc = deployment_.client().Retrieve(request);
  ASSERT_TRUE(by_grpc.ok()) << by_grpc.status();
  httplib::Client http("http://" + deployment_.http());
  const auto reply = http.Post("/v1/retrieve", R"({"userKey":"u2","k":50})",
                               "application/json");
  ASSERT_TRUE(reply) << httplib::to_string(reply.error());
  v1::RetrieveResponse by_http;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(reply->body, &by_http).ok())
      << reply->body;
  EXPECT_THAT(by_http.item_keys(),
              testing::ElementsAreArray(by_grpc->item_keys()));
  EXPECT_THAT(by_http.scores(), testing::ElementsAreArray(by_grpc->scores()));
}

TEST_F(EndToEndTest, ANewVersionReplacesTheOldAndOlderOnesGo) {
  deployment_.StartServer();
  deployment_.StartLoader();
  for (const uint64_t version : {1, 2, 3}) {
    PublishVersion(version);
    ASSERT_TRUE(deployment_.WaitForVersion(version))
        << deployment_.loader().Output();
  }
  // N-1 stays for rollback.
  EXPECT_TRUE(WaitUntil([&] { return !Exists(deployment_.bundles() / "1"); }));
  EXPECT_TRUE(Exists(deployment_.bundles() / "2"));
  grpc::ClientContext context;
  v1::BundleStatus status;
  ASSERT_TRUE(deployment_.control().Rollback(&context, {}, &status).ok());
  EXPECT_EQ(deployment_.Status().active_version(), 2);
}

TEST_F(EndToEndTest, ARestartedServerServesTheLastActiveVersionAlone) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  ASSERT_EQ(deployment_.StopLoader(), 0);
  ASSERT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_EQ(deployment_.Status().active_version(), 1);
  v1::RetrieveRequest request;
  request.set_user_key("u3");
  EXPECT_TRUE(deployment_.client().Retrieve(request).ok());
}

TEST_F(EndToEndTest, ABrokenVersionIsRefusedAndTheOldOneServesOn) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  ASSERT_NO_FATAL_FAILURE(deployment_.Build(2));
  // As if the store's disk had lost a byte, of a file that version 1 has not.
  std::filesystem::copy(deployment_.built() / "2", deployment_.store() / "2",
                        std::filesystem::copy_options::recursive);
  const auto file = deployment_.store() / "2" / "items.keys.utf8";
  std::string contents = ReadFile(file);
  contents[contents.size() / 2] =
      static_cast<char>(~contents[contents.size() / 2]);
  OverwriteFile(file, contents);
  OverwriteFile(deployment_.store() / "CURRENT", "2\n");

  ASSERT_TRUE(WaitUntil(
      [&] { return deployment_.Status().last_refusal().version() == 2; }));
  EXPECT_THAT(deployment_.Status().last_refusal().reason(),
              HasSubstr("items.keys.utf8"));
  EXPECT_EQ(deployment_.Status().active_version(), 1);
  EXPECT_FALSE(Exists(deployment_.bundles() / "2"));
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("tributary_bundle_refusals_total 1"));
  v1::RetrieveRequest request;
  EXPECT_TRUE(deployment_.client().Retrieve(request).ok());
}

TEST_F(EndToEndTest, TheServerServesADirectoryWithoutALoader) {
  ASSERT_NO_FATAL_FAILURE(deployment_.Build(1));
  std::filesystem::copy(deployment_.built() / "1", deployment_.bundles() / "1",
                        std::filesystem::copy_options::recursive);
  deployment_.StartServer();
  EXPECT_EQ(deployment_.Status().active_version(), 1);
}

TEST_F(EndToEndTest, CallsInProgressAreAnsweredBeforeTheServerStops) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  auto client = RetrievalClient::Connect(
      deployment_.grpc(), {.max_attempts = 1, .wait_for_ready = false});
  ASSERT_TRUE(client.ok());
  v1::RetrieveRequest request;
  request.set_k(200);
  deployment_.server().Signal(SIGTERM);
  // Either answered in full or told to go elsewhere; never anything else.
  for (;;) {
    const auto response = (*client)->Retrieve(request);
    if (!response.ok()) {
      // CANCELLED: gRPC's own answer to a call that it had not looked at.
      EXPECT_TRUE(absl::IsUnavailable(response.status()) ||
                  absl::IsCancelled(response.status()))
          << response.status();
      break;
    }
    EXPECT_EQ(response->item_keys_size(), 200);
  }
  EXPECT_EQ(deployment_.server().Wait(), 0);
}

TEST_F(EndToEndTest, MetricsPassPromtoolAndTellOfRecall) {
  PublishVersion(1);
  deployment_.StartServer({"--live_recall.sample_share", "1"});
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  v1::RetrieveRequest request;
  request.set_user_key("u4");
  ASSERT_TRUE(deployment_.client().Retrieve(request).ok());
  const std::string metrics = deployment_.Get("/metrics");
  for (const char* name :
       {"grpc_server_handled_total", "grpc_server_handling_seconds_bucket",
        "tributary_retriever_seconds_bucket", "tributary_fusion_seconds_bucket",
        "tributary_candidates_total", "tributary_active_version 1",
        "tributary_swap_seconds_count 1", "tributary_build_recall",
        "tributary_resident_bytes"}) {
    EXPECT_THAT(metrics, HasSubstr(name));
  }
  const auto file = MakeTestDir() / "metrics";
  OverwriteFile(file, metrics);
  const Outcome checked =
      RunProgram({"sh", "-c", "promtool check metrics < " + file.string()});
  EXPECT_EQ(checked.exit_status, 0) << checked.output;
}

TEST_F(EndToEndTest, APrometheusScrapesIt) {
  PublishVersion(1);
  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_TRUE(deployment_.WaitForVersion(1));
  const auto dir = MakeTestDir();
  OverwriteFile(dir / "prometheus.yml",
                fmt::format("global: {{scrape_interval: 200ms, "
                            "scrape_timeout: 200ms}}\n"
                            "scrape_configs:\n"
                            "- job_name: tributary\n"
                            "  static_configs: [{{targets: ['{}']}}]\n",
                            deployment_.http()));
  Process prometheus({"prometheus",
                      "--config.file=" + (dir / "prometheus.yml").string(),
                      "--storage.tsdb.path=" + (dir / "data").string(),
                      "--web.listen-address=127.0.0.1:0"});
  const auto address = prometheus.WaitFor("\"Listening on\" address=");
  ASSERT_TRUE(address) << prometheus.Output();
  httplib::Client http("http://" + *address);
  EXPECT_TRUE(WaitUntil([&] {
    const auto reply = http.Get("/api/v1/query?query=tributary_active_version");
    return reply && reply->body.find("\"1\"]") != std::string::npos;
  })) << prometheus.Output();
}

}  // namespace
}  // namespace tributary
