// Live changes with the real programs: `tributary change`, two loaders, two
// servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class ChangesTest : public testing::Test {
 protected:
  void SetUp() override {
    deployment_.Build(1);
    ASSERT_EQ(deployment_.Publish(1).exit_status, 0);
    deployment_.StartServer();
    deployment_.StartLoader();
    ASSERT_TRUE(deployment_.WaitForVersion(1));
  }

  Outcome Change(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), "change",
                                         deployment_.store().string()});
    return RunProgram(arguments);
  }
  std::string Say(const std::vector<std::string>& arguments) {
    const Outcome outcome = Change(arguments);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    return outcome.output;
  }
  std::vector<std::string> Items(uint64_t version = 0) {
    v1::RetrieveRequest request;
    request.set_k(10);
    request.set_bundle_version(version);
    const auto response = deployment_.client().Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    return {response->item_keys().begin(), response->item_keys().end()};
  }
  bool WaitForChange(uint64_t change) {
    return WaitUntil(
        [&] { return deployment_.Status().changes().through() >= change; });
  }

  Deployment deployment_;
  const std::filesystem::path file_ = MakeTestDir() / "changes.csv";
};

TEST_F(ChangesTest, ATakenDownItemIsInNoAnswerUntilItIsRestored) {
  const std::vector<std::string> top = Items();
  ASSERT_EQ(top.size(), 10U);
  EXPECT_EQ(Say({"--remove", top[0], "--remove", top[3], "--reason", "recall"}),
            "written: 2 changes, numbers 1 to 2, durably; the log has 2 "
            "changes, and 2 items are taken down\n");
  ASSERT_TRUE(WaitForChange(2));
  EXPECT_THAT(Items(), AllOf(Not(Contains(top[0])), Not(Contains(top[3])),
                             Contains(top[1])));
  EXPECT_EQ(Items().size(), 10U);

  // Nothing is back after a restart.
  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_THAT(Items(), AllOf(Not(Contains(top[0])), Not(Contains(top[3]))));
  EXPECT_THAT(
      deployment_.Get("/metrics"),
      AllOf(HasSubstr("\ntributary_changes_through 2\n"),
            HasSubstr("\ntributary_removed_items 2\n"),
            HasSubstr("\ntributary_changes_failing 0\n"),
            ContainsRegex("\ntributary_changes_last_timestamp_seconds [1-9]")));

  const Outcome explained =
      RunProgram({Program("tributary"), "explain", "nobody", top[0],
                  "--address", deployment_.grpc()});
  EXPECT_THAT(explained.output,
              AllOf(HasSubstr("taken down"),
                    ContainsRegex("[Cc]hange 1 took it down at 20.*Z "
                                  "\\(recall\\)")));
  EXPECT_THAT(Say({"--list"}),
              AllOf(ContainsRegex("1 20.*Z " + top[0] + " \\(recall\\)\n"),
                    HasSubstr("2 items are taken down")));

  EXPECT_THAT(
      RunProgram({Program("tributary"), "control", "status", "--control",
                  "unix:" + (deployment_.bundles() / "control.sock").string()})
          .output,
      ContainsRegex("live changes: through 2, of 20.*; 2 items are taken down, "
                    "2 of the active version"));
  Say({"--restore", top[0], "--restore", top[3]});
  ASSERT_TRUE(WaitForChange(4));
  EXPECT_EQ(Items(), top);
}

TEST_F(ChangesTest, ANewItemIsInAnswersAndStaysAfterARestart) {
  const std::vector<std::string> top = Items();
  v1::Change change;
  change.set_item("brand-new");
  change.mutable_upsert()->set_popularity(1e9);
  {
    auto log = ChangeLog::Open(deployment_.store() / kChangesName);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Append({change}).ok());
  }
  ASSERT_TRUE(WaitForChange(1));
  std::vector<std::string> expected = top;
  expected.insert(expected.begin(), "brand-new");
  expected.pop_back();
  EXPECT_EQ(Items(), expected);
  v1::RetrieveRequest request;
  request.set_k(3);
  const auto response = deployment_.client().Retrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->live(), ::testing::ElementsAre(0U));

  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_EQ(Items(), expected);
  EXPECT_EQ(deployment_.Status().changes().added_items(), 1U);
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("\ntributary_added_items 1\n"));
  EXPECT_THAT(
      RunProgram({Program("tributary"), "control", "status", "--control",
                  "unix:" + (deployment_.bundles() / "control.sock").string()})
          .output,
      HasSubstr("1 item was added that the active version lacks"));
  Say({"--remove", "brand-new"});
  ASSERT_TRUE(WaitForChange(2));
  EXPECT_EQ(Items(), top);
  EXPECT_THAT(RunProgram({Program("tributary"), "explain", "nobody",
                          "brand-new", "--address", deployment_.grpc()})
                  .output,
              HasSubstr("taken down"));
}

TEST_F(ChangesTest, ManyComeFromAFileAllOrNone) {
  const std::vector<std::string> top = Items();
  std::string csv = "change,item,reason\n";
  for (int i = 0; i < 5000; ++i) csv += fmt::format("remove,gone-{},\n", i);
  for (const std::string& item : top) {
    csv += fmt::format("remove,\"{}\",\"old, and \"\"sold\"\"\"\n", item);
  }
  OverwriteFile(file_, csv + "delete,x,\n");
  const Outcome refused = Change({"--from", file_});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.output,
              HasSubstr("changes.csv: line 5012: the change is \"delete\", "
                        "expected remove or restore"));
  EXPECT_THAT(Say({}), HasSubstr("the log has 0 changes"));
  OverwriteFile(file_, csv);
  EXPECT_THAT(Say({"--from", file_}), HasSubstr("numbers 1 to 5010"));
  ASSERT_TRUE(WaitForChange(5010));
  for (const std::string& item : Items()) EXPECT_THAT(top, Not(Contains(item)));
  EXPECT_THAT(Say({"--list"}), HasSubstr("(old, and \"sold\")"));

  OverwriteFile(file_, fmt::format("{{\"item\": \"{}\", \"restore\": {{}}}}\n\n"
                                   "{{\"item\": \"{}\", \"restore\": {{}}}}\n",
                                   top[0], top[1]));
  EXPECT_THAT(Say({"--from", file_}), HasSubstr("numbers 5011 to 5012"));
  ASSERT_TRUE(WaitForChange(5012));
  EXPECT_THAT(Items(), AllOf(Contains(top[0]), Contains(top[1])));
}

TEST_F(ChangesTest, BadInputIsNamed) {
  const auto error_of = [&](const std::string& contents) {
    OverwriteFile(file_, contents);
    const Outcome outcome = Change({"--from", file_});
    EXPECT_NE(outcome.exit_status, 0) << contents;
    return outcome.output;
  };
  EXPECT_THAT(error_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("a,b\n1,2\n"), HasSubstr("the column \"a\""));
  EXPECT_THAT(error_of("change\nremove\n"),
              HasSubstr("columns change and item"));
  EXPECT_THAT(error_of("change,item\nremove,\n"),
              HasSubstr("line 2: the change.item: expected an item's key"));
  EXPECT_THAT(error_of("{\"item\": \"x\"}\n"),
              HasSubstr("line 1: the change.what: not set"));
  EXPECT_THAT(error_of("{\"item\": \"x\", \"remove\": {}}\n{\"itm\": 1}\n"),
              HasSubstr("line 2: not a change"));
  EXPECT_THAT(error_of("{\"item\": \"x\", \"remove\": {}, \"number\": 3}\n"),
              HasSubstr("the log's to set"));
  EXPECT_THAT(Change({"--from", "/no/such"}).output, HasSubstr("/no/such"));
  EXPECT_THAT(RunProgram({Program("tributary"), "change", "/no/such"}).output,
              HasSubstr("no such directory"));
  EXPECT_THAT(
      RunProgram({Program("tributary"), "change", "s3://b/p", "--remove", "x"})
          .output,
      HasSubstr("is not a directory"));
  EXPECT_THAT(Say({}), HasSubstr("the log has 0 changes"));
}

// Whoever kills the loader or the server at whatever time: what was
// acknowledged holds as soon as the server answers again.
TEST_F(ChangesTest, KillsLoseNothing) {
  const std::vector<std::string> top = Items();
  uint64_t changes = 0;
  for (int round = 0; round < 3; ++round) {
    deployment_.loader().Signal(SIGKILL);
    deployment_.loader().Wait();
    Say({"--remove", top[static_cast<size_t>(round)]});
    ++changes;
    // The server has what was copied before, and goes on without the loader.
    EXPECT_EQ(Items().size(), 10U);
    deployment_.StartLoader();
    ASSERT_TRUE(WaitForChange(changes));
    deployment_.server().Signal(SIGKILL);
    deployment_.server().Wait();
    deployment_.StartServer();
    for (int i = 0; i <= round; ++i) {
      EXPECT_THAT(Items(), Not(Contains(top[static_cast<size_t>(i)])));
    }
  }
}

}  // namespace
}  // namespace tributary
