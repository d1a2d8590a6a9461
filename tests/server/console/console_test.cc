#include "server/console/console.h"

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConsoleTest : public testing::Test {
 protected:
  void Start(bool with_version = true, bool console = true) {
    root_ = MakeTestDir();
    if (with_version) WriteTinyBundle(root_, 1);
    v1::ServerConfig config = ConfigFor(root_);
    config.set_console(console);
    v1::Profile& profile = *config.add_profiles();
    profile.set_name("cheap");
    profile.set_share(.25);
    Start(config);
  }
  void Start(const v1::ServerConfig& config) {
    running_ = std::make_unique<RunningServer>(config);
    client_ = std::make_unique<httplib::Client>(
        "http://" + running_->server().http_address());
    client_->set_read_timeout(60);
  }

  httplib::Response Get(const std::string& path) {
    const auto result = client_->Get(path.c_str());
    EXPECT_TRUE(result) << path << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }
  httplib::Response Titles(const std::string& body) {
    const auto result =
        client_->Post("/console/api/titles", body, "application/json");
    EXPECT_TRUE(result) << httplib::to_string(result.error());
    return result ? *result : httplib::Response();
  }
  static google::protobuf::Struct Parse(const std::string& json) {
    google::protobuf::Struct parsed;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok())
        << json;
    return parsed;
  }

  std::filesystem::path root_;
  std::unique_ptr<RunningServer> running_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(ConsoleTest, ServesThePageWithAStrictPolicy) {
  Start();
  for (const char* path :
       {"/console", "/console/console.js", "/console/console.css",
        "/console/api/status", "/console/api/history"}) {
    const auto reply = Get(path);
    EXPECT_EQ(reply.status, 200) << path;
    const std::string policy =
        reply.get_header_value("Content-Security-Policy");
    for (const char* part :
         {"default-src 'none'", "script-src 'self'", "style-src 'self'",
          "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
          "form-action 'none'", "require-trusted-types-for 'script'"}) {
      EXPECT_THAT(policy, HasSubstr(part)) << path;
    }
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    EXPECT_EQ(reply.get_header_value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(reply.get_header_value("Referrer-Policy"), "no-referrer");
    EXPECT_FALSE(reply.has_header("Access-Control-Allow-Origin"));
  }
  EXPECT_EQ(Get("/console").get_header_value("Content-Type"),
            "text/html; charset=utf-8");
  EXPECT_EQ(Get("/console/api/status").get_header_value("Cache-Control"),
            "no-store");
  EXPECT_THAT(Get("/").body, HasSubstr("/console"));
}

TEST_F(ConsoleTest, RoutesByPathAndMethod) {
  Start();
  const auto slash = Get("/console/");
  EXPECT_EQ(slash.status, 308);
  EXPECT_EQ(slash.get_header_value("Location"), "../console");
  EXPECT_EQ(Get("/console?x=1").status, 200);
  for (const char* path :
       {"/consoles", "/console/x", "/console/api", "/console/api/",
        "/console/"
        "api/statuses",
        "/console/../console", "/console/%2e%2e/etc/passwd"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(client_->Head("/console")->status, 200);
  EXPECT_EQ(client_->Head("/console/api/status")->status, 200);
  EXPECT_EQ(client_->Post("/console", "x", "text/plain")->status, 405);
  EXPECT_EQ(client_->Delete("/console/api/status")->status, 405);
  EXPECT_EQ(Get("/console/api/titles").status, 405);
  EXPECT_EQ(Get("/console/api/titles").get_header_value("Allow"), "POST");
  // The admin port has none.
  httplib::Client admin("http://" + running_->server().admin_address());
  EXPECT_EQ(admin.Get("/console")->status, 404);
}

TEST_F(ConsoleTest, CanBeTurnedOff) {
  Start(true, /*console=*/false);
  for (const char* path :
       {"/console", "/console/", "/console/console.js", "/console/api/status",
        "/console/api/history", "/console/api/titles"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(Titles("{}").status, 404);
  EXPECT_THAT(Get("/").body, Not(HasSubstr("/console")));
}

TEST_F(ConsoleTest, TellsOfVersionsProfilesAndLimits) {
  Start();
  v1::SetLabelRequest label;
  label.set_name("canary");
  label.set_version(1);
  label.set_share(.1);
  v1::ServerStatus status;
  grpc::ClientContext context;
  ASSERT_TRUE(running_->bundles().SetLabel(&context, label, &status).ok());
  const auto json = Parse(Get("/console/api/status").body);
  const auto& known = json.fields().at("status").struct_value().fields();
  EXPECT_EQ(known.at("activeVersion").string_value(), "1");
  EXPECT_EQ(known.at("labels").list_value().values_size(), 1);
  const auto& bundle = json.fields()
                           .at("bundles")
                           .list_value()
                           .values(0)
                           .struct_value()
                           .fields();
  EXPECT_EQ(bundle.at("version").string_value(), "1");
  EXPECT_EQ(bundle.at("itemKeys").string_value(), "UTF8");
  EXPECT_FALSE(bundle.at("hasTitles").bool_value());
  EXPECT_EQ(bundle.at("retrievers").list_value().values_size(), 2);
  EXPECT_EQ(bundle.at("attributes").list_value().values_size(), 6);
  const auto& profile = json.fields()
                            .at("profiles")
                            .list_value()
                            .values(0)
                            .struct_value()
                            .fields();
  EXPECT_EQ(profile.at("name").string_value(), "cheap");
  EXPECT_EQ(profile.at("share").number_value(), .25);
  EXPECT_EQ(json.fields()
                .at("limits")
                .struct_value()
                .fields()
                .at("maxK")
                .number_value(),
            2000);
}

TEST_F(ConsoleTest, WorksBeforeThereIsAVersion) {
  Start(/*with_version=*/false);
  EXPECT_EQ(Get("/console").status, 200);
  EXPECT_EQ(Parse(Get("/console/api/status").body)
                .fields()
                .at("bundles")
                .list_value()
                .values_size(),
            0);
  EXPECT_EQ(Get("/console/api/history").status, 200);
  EXPECT_EQ(Titles(R"({"itemKeys": ["a"]})").status, 503);
}

TEST_F(ConsoleTest, AnswersTitlesWithinLimits) {
  Start();
  EXPECT_EQ(Titles(R"({"itemKeys": ["a"], "version": "1"})").body,
            R"({"version":"1","hasTitles":false,"titles":{}})");
  EXPECT_EQ(Titles(R"({"version": "9"})").status, 404);
  EXPECT_EQ(Titles(R"({"itemKeys": 5})").status, 400);
  EXPECT_EQ(Titles("").status, 400);
  const auto refused = Titles(std::string((1 << 20) + 1, ' '));
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("expected at most 1048576"));
  EXPECT_EQ(Titles(std::string((4 << 20) + 1, ' ')).status, 413);
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(ConsoleTest, HistoryCountsWhatWasAnswered) {
  Start();
  for (int i = 0; i < 7; ++i) {
    v1::RetrieveResponse response;
    ASSERT_TRUE(running_->Retrieve(TinyRequest(), &response).ok());
  }
  // An answer may be half a second old.
  double answered = 0;
  for (int i = 0; i < 100 && answered < 7; ++i) {
    const auto json = Parse(Get("/console/api/history").body);
    answered = json.fields()
                   .at("now")
                   .struct_value()
                   .fields()
                   .at("answered")
                   .number_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(answered, 7);
}

TEST_F(ConsoleTest, ManyReadersAreAnsweredAtOnce) {
  Start();
  std::vector<std::thread> readers;
  std::atomic<int> answered{0};
  readers.reserve(8);
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&] {
      httplib::Client client("http://" + running_->server().http_address());
      client.set_read_timeout(60);
      for (int i = 0; i < 50; ++i) {
        const auto status = client.Get("/console/api/status");
        const auto titles = client.Post("/console/api/titles",
                                        R"({"itemKeys": ["a", "b"]})", "");
        answered += status && status->status == 200 ? 1 : 0;
        answered += titles && titles->status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(answered, 800);
}

// Answers of a Console without a server.
class BareConsoleTest : public testing::Test {
 protected:
  ReplyTo Collect() {
    return {0,
            std::make_shared<const ReplyTo::Post>(
                [this](uint64_t, HttpReply reply) {
                  const MutexLock lock(&mutex_);
                  replies_.push_back(std::move(reply));
                  changed_.NotifyAll();
                }),
            std::make_shared<std::atomic<bool>>(false)};
  }
  static HttpRequest Request(std::string path) {
    HttpRequest request;
    request.method = "GET";
    request.path = std::move(path);
    return request;
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<HttpReply> replies_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(BareConsoleTest, SamplesByItselfAndRefusesALongQueue) {
  const std::filesystem::path root = MakeTestDir();
  v1::ServerConfig config = ConfigFor(root);
  ServerMetrics metrics;
  BundleSet bundles(config, RetrieverRegistry::BuiltIn(), {});
  Mutex gate;
  // The thread waits at the gate while it reads the status.
  std::atomic<int> samples{0};
  metrics.WatchBundles([&] {
    const MutexLock lock(&gate);
    ++samples;
    return v1::ServerStatus();
  });
  ConsoleOptions options;
  options.sample_interval = std::chrono::milliseconds(5);
  options.max_waiting = 3;
  Console console(config, &bundles, &metrics, options);
  while (samples < 5) std::this_thread::yield();
  {
    const MutexLock closed(&gate);
    // At most one is being answered, and three wait.
    int refused = 0;
    for (int i = 0; i < 10; ++i) {
      const auto reply =
          console.Handle(Request("/console/api/history"), Collect());
      if (!reply.has_value()) continue;
      EXPECT_EQ(reply->status, 429);
      ++refused;
    }
    EXPECT_GE(refused, 6);
  }
  MutexLock lock(&mutex_);
  while (replies_.empty()) changed_.Wait(&mutex_);
  EXPECT_EQ(replies_[0].status, 200);
}

}  // namespace
}  // namespace tributary
