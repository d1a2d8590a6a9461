// Sets of items that requests exclude by name, with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kManyKeys = 100'000;

class ItemSetsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    builder_ = new Deployment;
    for (const uint64_t version : {1, 2}) builder_->Build(version);
  }
  static void TearDownTestSuite() { delete builder_; }
  void SetUp() override {
    std::filesystem::copy(builder_->built(), deployment_.bundles(),
                          std::filesystem::copy_options::recursive);
    deployment_.StartServer();
  }

  Outcome Control(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), "control"});
    arguments.insert(
        arguments.end(),
        {"--control",
         "unix:" + (deployment_.bundles() / "control.sock").string()});
    return RunProgram(arguments);
  }
  std::string Say(std::vector<std::string> arguments) {
    const Outcome outcome = Control(std::move(arguments));
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    return outcome.output;
  }
  // `tributary control put-set` of these keys.
  std::string Put(const std::string& name,
                  const std::vector<std::string>& keys) {
    OverwriteFile(file_, fmt::format("{}\n", fmt::join(keys, "\n")));
    return Say({"put-set", name, file_});
  }

  absl::StatusOr<std::vector<std::string>> Ask(
      const std::vector<std::string>& sets) {
    v1::RetrieveRequest request;
    request.set_k(10);
    for (const std::string& set : sets) {
      request.mutable_filter()->add_exclude_sets(set);
    }
    auto response = deployment_.client().Retrieve(request);
    if (!response.ok()) return response.status();
    return std::vector<std::string>(response->item_keys().begin(),
                                    response->item_keys().end());
  }
  std::vector<std::string> Items(const std::vector<std::string>& sets) {
    auto items = Ask(sets);
    EXPECT_TRUE(items.ok()) << items.status();
    return items.ok() ? *items : std::vector<std::string>();
  }
  uint64_t ItemsOf(const std::string& set) {
    const v1::ServerStatus status = deployment_.Status();
    for (const auto& known : status.item_sets()) {
      if (known.name() == set) return known.items();
    }
    return 0;
  }
  static bool Share(const std::vector<std::string>& a,
                    const std::vector<std::string>& b) {
    return std::any_of(a.begin(), a.end(), [&](const std::string& key) {
      return std::find(b.begin(), b.end(), key) != b.end();
    });
  }

  static Deployment* builder_;
  Deployment deployment_;
  const std::filesystem::path file_ = MakeTestDir() / "keys.txt";
};

Deployment* ItemSetsTest::builder_ = nullptr;

TEST_F(ItemSetsTest, OutliveRestartsAndActOnEveryVersion) {
  // Of both versions, and many that neither has.
  const std::vector<std::string> of_2 = Items({});
  ASSERT_EQ(of_2.size(), 10);
  Say({"stage", "1"});
  Say({"activate", "1"});
  const std::vector<std::string> of_1 = Items({});
  ASSERT_EQ(of_1.size(), 10);
  std::vector<std::string> keys = of_1;
  keys.insert(keys.end(), of_2.begin(), of_2.end());
  for (int i = 0; i < kManyKeys - 20; ++i) {
    keys.push_back(fmt::format("gone-{}", i));
  }
  EXPECT_EQ(Put("sold-out", keys),
            "item set sold-out: 100000 items, 99990 of them not in the active "
            "version\n");
  const auto expect_excluded = [&] {
    for (const auto& [version, top] :
         std::vector{std::pair{1, of_1}, std::pair{2, of_2}}) {
      Say({"stage", std::to_string(version)});
      Say({"activate", std::to_string(version)});
      EXPECT_EQ(Items({}), top);
      const std::vector<std::string> rest = Items({"sold-out"});
      EXPECT_EQ(rest.size(), 10);
      EXPECT_FALSE(Share(rest, top));
    }
  };
  expect_excluded();
  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_THAT(deployment_.server().Output(),
              HasSubstr("event=item_set_loaded set=sold-out items=100000"));
  EXPECT_THAT(deployment_.server().Output(),
              Not(HasSubstr("event=passed_over")));
  expect_excluded();

  // Version 2 is active. Replace the set, and then delete it.
  EXPECT_THAT(Put("sold-out", {of_2[0]}), HasSubstr("1 items, 0 of them not"));
  const std::vector<std::string> rest = Items({"sold-out"});
  EXPECT_EQ(std::vector<std::string>(rest.begin(), rest.end() - 1),
            std::vector<std::string>(of_2.begin() + 1, of_2.end()));
  EXPECT_THAT(Say({"status"}), ContainsRegex("sold-out +1 +0  20"));
  EXPECT_THAT(Say({"status", "--json"}), HasSubstr("\"itemSets\""));
  EXPECT_THAT(deployment_.Get("/metrics"),
              AllOf(HasSubstr("\ntributary_item_sets 1\n"),
                    ContainsRegex("\ntributary_item_sets_bytes [1-9]")));
  EXPECT_THAT(Say({"delete-set", "sold-out"}), HasSubstr("sold-out any more"));
  EXPECT_THAT(std::string(Ask({"sold-out"}).status().message()),
              HasSubstr("filter.exclude_sets[0]: there is no item set"));
  EXPECT_THAT(Control({"delete-set", "sold-out"}).output,
              HasSubstr("there is no item set \"sold-out\" (NOT_FOUND)"));
}

TEST_F(ItemSetsTest, EveryClientCanNameThem) {
  const std::vector<std::string> top = Items({});
  Put("first", {top[0]});
  Put("second", {top[1], top[2]});
  const auto retrieve = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {Program("tributary"), "retrieve", "-k", "5",
                                 "--address", deployment_.grpc()});
    return RunProgram(flags).output;
  };
  EXPECT_THAT(retrieve({"--exclude-set", "first", "--exclude-set", "second"}),
              AllOf(ContainsRegex(" 1  " + top[3] + " "),
                    Not(HasSubstr(top[0] + " "))));
  EXPECT_THAT(retrieve({"--exclude-set", "frist"}),
              HasSubstr("did you mean \"first\"?"));
  httplib::Client http("http://" + deployment_.http());
  const auto json =
      http.Post("/v1/retrieve", R"({"k":1,"filter":{"excludeSets":["first"]}})",
                "application/json");
  ASSERT_TRUE(json);
  EXPECT_THAT(json->body, HasSubstr("\"" + top[1] + "\""));
  EXPECT_THAT(
      RunProgram({Program("tributary"), "bench", "--address",
                  deployment_.grpc(), "--cold", "-k", "5", "--exclude-set",
                  "second", "--duration", "0.2", "--warm-up", "0"})
          .exit_status,
      0);
  EXPECT_THAT(Control({"put-set", "x", "/no/such/file"}).output,
              HasSubstr("/no/such/file: cannot be read"));
  EXPECT_THAT(Control({"put-set", "No Name", file_}).output,
              HasSubstr("name: \"No Name\", expected 1 to 63"));
}

// However the stream ends before its end, the old set stays.
TEST_F(ItemSetsTest, AStreamThatIsCutLeavesTheOldSet) {
  const std::vector<std::string> top = Items({});
  Put("s", {top[0], top[1]});
  v1::PutItemSetRequest part;
  part.set_name("s");
  for (int i = 0; i < 5000; ++i) part.add_item_ids(i);
  for (int round = 0; round < 20; ++round) {
    grpc::ClientContext context;
    v1::ItemSetStatus response;
    const auto writer = deployment_.control().PutItemSet(&context, &response);
    ASSERT_TRUE(writer->Write(part));
    if (round % 2 == 1) {
      // Long enough for the server to have read it.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // A client that dies while it sends what it reads.
  const std::string pipe = MakeTestDir() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (int round = 0; round < 5; ++round) {
    Process client(
        {Program("tributary"), "control", "put-set", "s", pipe, "--control",
         "unix:" + (deployment_.bundles() / "control.sock").string()});
    std::ofstream lines(pipe);
    for (int i = 0; i < kManyKeys; ++i) lines << "gone-" << i << '\n';
    lines.flush();
    client.Signal(SIGKILL);
    EXPECT_EQ(client.Wait(), -1);
  }
  ASSERT_TRUE(WaitUntil([&] {
    const std::string log = deployment_.server().Output();
    size_t cut = 0;
    for (size_t at = 0;
         (at = log.find("the stream was cut", at)) != std::string::npos; ++at) {
      ++cut;
    }
    return cut >= 10;
  })) << deployment_.server().Output();
  EXPECT_EQ(ItemsOf("s"), 2);
  EXPECT_FALSE(Share(Items({"s"}), {top[0], top[1]}));
  EXPECT_THAT(Put("s", {top[0]}), HasSubstr("1 items"));
}

TEST_F(ItemSetsTest, AFileThatIsNotAllUtf8LeavesTheOldSet) {
  const std::vector<std::string> top = Items({});
  Put("s", {top[0]});
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += fmt::format("key-{}\n", i);
  OverwriteFile(file_, lines + "\xff\n");
  EXPECT_THAT(Control({"put-set", "s", file_}).output,
              HasSubstr("line 50001 is not UTF-8"));
  EXPECT_EQ(ItemsOf("s"), 1);
}

}  // namespace
}  // namespace tributary
