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
#include "index/bundle/bundle.h"
#include "index/changes/change_log.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAreArray;
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
            "written: 2 changes (2 removed), numbers 1 to 2, durably; the log "
            "has 2 changes, and 2 items are taken down\n");
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
              AllOf(ContainsRegex("1 20.*Z " + top[0] +
                                  " is taken down \\(recall\\)\n"),
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
                        "expected remove, restore, set, upsert, event or "
                        "expire"));
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
  EXPECT_THAT(error_of("a,b\n1,2\n"), HasSubstr("columns change and item"));
  EXPECT_THAT(error_of("change,item,colour\nremove,x,red\n"),
              HasSubstr("line 2: the column \"colour\" says nothing of a "
                        "change that is \"remove\""));
  EXPECT_THAT(error_of("change,item,time\nexpire,x,soon\n"),
              HasSubstr("line 2: time: \"soon\" is not a time"));
  EXPECT_THAT(error_of("change,item,user,value\nevent,x,u,many\n"),
              HasSubstr("line 2: value: \"many\" is not a number"));
  EXPECT_THAT(error_of("change,item,user\nevent,x,\n"),
              HasSubstr("line 2: the change.event.user: expected a user's"));
  EXPECT_THAT(
      error_of("change,item,price\nset,x,\n"),
      HasSubstr("line 2: the change.set.attributes: expected at least"));
  EXPECT_THAT(error_of("change,item,item\nremove,x,y\n"),
              HasSubstr("the column \"item\" is there twice"));
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
  EXPECT_THAT(RunProgram({Program("tributary"), "change", "http://b/p",
                          "--remove", "x"})
                  .output,
              HasSubstr("is not a directory"));
  const auto error_with = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = Change(arguments);
    EXPECT_NE(outcome.exit_status, 0);
    return outcome.output;
  };
  EXPECT_THAT(error_with({"--set", "price=1"}),
              HasSubstr("--set needs --item"));
  EXPECT_THAT(error_with({"--item", "x"}), HasSubstr("--item needs what"));
  EXPECT_THAT(error_with({"--item", "x", "--set", "price"}),
              HasSubstr("expected NAME=VALUE"));
  EXPECT_THAT(error_with({"--item", "x", "--set", "a=1", "--set", "a=2"}),
              HasSubstr("\"a\" is given twice"));
  EXPECT_THAT(error_with({"--item", "x", "--expire", "soon"}),
              HasSubstr("--expire: \"soon\" is not a time"));
  EXPECT_THAT(error_with({"--item", "x", "--type", "buy", "--set", "a=1"}),
              HasSubstr("--type needs --user"));
  EXPECT_THAT(error_with({"--reason", "why", "--restore", "x"}),
              HasSubstr("--reason needs --remove"));
  EXPECT_THAT(Say({}), HasSubstr("the log has 0 changes"));
}

TEST_F(ChangesTest, AnEventIsSeenAndMovesWhatIsProposed) {
  const auto ask = [&](const std::string& user, bool include_seen) {
    v1::RetrieveRequest request;
    request.set_user_key(user);
    request.set_k(20);
    request.set_include_seen(include_seen);
    const auto response = deployment_.client().Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::RetrieveResponse());
  };
  // Users like items whose number has the same remainder by 5.
  const auto of_kind = [](const v1::RetrieveResponse& response, int kind) {
    return std::ranges::count_if(
        response.item_keys(), [kind](const std::string& key) {
          return std::stoi(key.substr(std::string("v1-").size())) % 5 == kind;
        });
  };
  const std::string met = ask("u1", false).item_keys(0);
  EXPECT_TRUE(ask("newcomer", false).cold_start());
  std::string events = fmt::format(
      "{{\"item\": \"{}\", \"event\": {{\"user\": \"u1\"}}}}\n", met);
  for (const int item : {3, 8, 13, 18}) {
    events += fmt::format(
        "{{\"item\": \"v1-{}\", \"event\": {{\"user\": \"newcomer\", "
        "\"type\": \"purchase\"}}}}\n",
        item);
  }
  OverwriteFile(file_, events);
  EXPECT_THAT(Say({"--from", file_}), HasSubstr("numbers 1 to 5"));
  ASSERT_TRUE(WaitForChange(5));

  EXPECT_THAT(ask("u1", false).item_keys(), Not(Contains(met)));
  EXPECT_THAT(ask("u1", true).item_keys(), Contains(met));
  const v1::RetrieveResponse newcomer = ask("newcomer", false);
  EXPECT_FALSE(newcomer.cold_start());
  EXPECT_THAT(newcomer.item_keys(), Not(Contains("v1-3")));
  EXPECT_GE(of_kind(newcomer, 3), 15);
  v1::BatchRetrieveRequest batch;
  batch.add_requests()->set_user_key("newcomer");
  batch.mutable_requests(0)->set_k(20);
  const auto batched = deployment_.client().BatchRetrieve(batch);
  ASSERT_TRUE(batched.ok()) << batched.status();
  EXPECT_THAT(batched->entries(0).response().item_keys(),
              ElementsAreArray(newcomer.item_keys()));

  EXPECT_EQ(deployment_.Status().changes().changed_users(), 2U);
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("\ntributary_changed_users 2\n"));
  EXPECT_THAT(RunProgram({Program("tributary"), "explain", "u1", met,
                          "--address", deployment_.grpc()})
                  .output,
              HasSubstr("The user has already had it (change 1)"));
  // All of it is there again after a restart.
  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_THAT(ask("newcomer", false).item_keys(),
              ElementsAreArray(newcomer.item_keys()));
}

TEST_F(ChangesTest, EveryKindIsWrittenAsItWasMeant) {
  EXPECT_THAT(
      Say({"--item",   "x",
           "--add",    "title=Blue lamp",
           "--set",    "in_stock=false",
           "--set",    "price=12.5",
           "--set",    "tags=a|b",
           "--set",    "gone=null",
           "--set",    "code=007",
           "--expire", "2026-12-31T18:00:00+01:00",
           "--user",   "u",
           "--type",   "buy",
           "--value",  "2"}),
      HasSubstr("written: 4 changes (1 set, 1 added, 1 met, 1 expiring), "
                "numbers 1 to 4"));
  OverwriteFile(file_,
                "change,item,price,user,time,reason\n"
                "set,y,null,,,\n"
                "upsert,z,3,,,\n"
                "event,z,,u2,2026-01-02,\n"
                "expire,y,,,never,\n"
                "remove,y,,,,old\n");
  EXPECT_THAT(Say({"--from", file_}), HasSubstr("numbers 5 to 9"));
  EXPECT_THAT(
      Say({"--list"}),
      AllOf(ContainsRegex("1 20.*Z x is added with title=\"Blue lamp\"\n"),
            ContainsRegex("2 20.*Z x has code=007 gone=null "
                          "in_stock=false price=12.5 tags=a\\|b\n"),
            ContainsRegex("3 20.*Z x expires at 2026-12-31T17:00:00Z\n"),
            ContainsRegex("4 20.*Z x was met by u \\(buy\\) value=2\n"),
            ContainsRegex("5 20.*Z y has price=null\n"),
            ContainsRegex("6 20.*Z z is added with price=3\n"),
            ContainsRegex("7 20.*Z z was met by u2 at 2026-01-02T00:00:00Z\n"),
            ContainsRegex("8 20.*Z y does not expire\n"),
            ContainsRegex("9 20.*Z y is taken down \\(old\\)\n")));
  ASSERT_TRUE(WaitForChange(9));
  // What a snapshot says is what was said before.
  const std::string list = Say({"--list"});
  EXPECT_EQ(Say({"--compact", "--list"}), list);
  Say({"--item", "y", "--expire", "2027-01-01"});
  ASSERT_TRUE(WaitForChange(10));
}

TEST_F(ChangesTest, WarnsOfWhatTheCurrentVersionLacks) {
  const std::string top = Items()[0];
  EXPECT_THAT(Say({"--remove", top}), Not(HasSubstr("warning")));
  EXPECT_THAT(Say({"--item", "no-such", "--set", "no_such=1"}),
              AllOf(HasSubstr("warning: version 1: it has no attribute "
                              "\"no_such\""),
                    HasSubstr("warning: version 1: it has no item "
                              "\"no-such\", nor has the log added it")));
  EXPECT_THAT(Say({"--item", "new", "--add", "title=x"}),
              Not(HasSubstr("no item")));
  EXPECT_THAT(Say({"--item", "new", "--expire", "never"}),
              Not(HasSubstr("no item")));
}

TEST_F(ChangesTest, AServerWritesThemForItsCallers) {
  const std::vector<std::string> top = Items();
  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer({"--changes.store", deployment_.store()});
  const std::string address =
      "unix:" + (deployment_.bundles() / "control.sock").string();
  const auto change = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {Program("tributary"), "change", address});
    return RunProgram(arguments);
  };
  const Outcome written = change({"--remove", top[0], "--reason", "recall"});
  EXPECT_EQ(written.exit_status, 0) << written.output;
  EXPECT_THAT(written.output,
              HasSubstr("written: 1 change (1 removed), number 1, durably"));
  ASSERT_TRUE(WaitForChange(1));
  EXPECT_THAT(Items(), Not(Contains(top[0])));
  EXPECT_THAT(change({}).output,
              HasSubstr("applied the changes through 1, and 1 item is taken"));
  EXPECT_THAT(change({"--list"}).output, HasSubstr("need the store itself"));
  EXPECT_THAT(Say({"--list"}), HasSubstr(top[0] + " is taken down (recall)"));
}

// A catalogue of 40 items in files, 60 users with 8 interactions each.
class NextBundleTest : public testing::Test {
 protected:
  void WriteFiles(const std::filesystem::path& dir,
                  const std::vector<std::string>& more_items,
                  const std::vector<std::string>& more_interactions,
                  const std::string& price_of_7) {
    std::filesystem::create_directories(dir);
    std::string items = "item,title,price,genre\n";
    for (int i = 0; i < 40; ++i) {
      items += fmt::format("item-{},Title of kind {},{},{}\n", i, i % 4,
                           i == 7 ? price_of_7 : fmt::format("{}", i),
                           i % 4 < 2 ? "drama" : "comedy");
    }
    for (const std::string& line : more_items) items += line + "\n";
    OverwriteFile(dir / "items.csv", items);
    std::string interactions = "user,item,time\n";
    for (int user = 0; user < 60; ++user) {
      for (int i = 0; i < 8; ++i) {
        interactions += fmt::format("user-{},item-{},{}\n", user,
                                    (user % 4 + 4 * ((user + 3 * i) % 10)) % 40,
                                    1'700'000'000 + 1000 * i + user);
      }
    }
    for (const std::string& line : more_interactions) {
      interactions += line + "\n";
    }
    OverwriteFile(dir / "interactions.csv", interactions);
  }
  std::string Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program("tributary"));
    const Outcome outcome = RunProgram(arguments);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    return outcome.output;
  }
  v1::Manifest Build(const std::filesystem::path& data,
                     std::vector<std::string> arguments) {
    const std::filesystem::path out = MakeTestDir();
    arguments.insert(arguments.begin(),
                     {"build", "--data", "csv:" + data.string(), "--out",
                      out.string(), "--validation_share", "0"});
    Run(arguments);
    built_ = out / "1";
    const auto bundle = Bundle::Open(built_);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    return bundle.ok() ? (*bundle)->manifest() : v1::Manifest();
  }
  // The files with their hashes.
  static std::vector<std::string> FilesOf(const v1::Manifest& manifest) {
    std::vector<std::string> files;
    for (const v1::FileEntry& file : manifest.files()) {
      files.push_back(file.name() + " " + file.sha256());
    }
    return files;
  }

  const std::filesystem::path root_ = MakeTestDir();
  const std::filesystem::path store_ = root_ / "store";
  std::filesystem::path built_;
};

TEST_F(NextBundleTest, IsThatOfDataThatWereEditedByHand) {
  WriteFiles(root_ / "data", {}, {}, "7");
  std::filesystem::create_directories(store_);
  Run({"change", store_, "--item", "item-7", "--set", "price=99.5"});
  Run({"change", store_, "--item", "new", "--add", "title=Title of kind 1",
       "--add", "genre=drama", "--add", "price=3"});
  OverwriteFile(root_ / "events.csv",
                "change,item,user,time\n"
                "event,new,user-3,2023-12-01\n"
                "event,item-9,somebody,2023-12-02\n");
  Run({"change", store_, "--from", root_ / "events.csv"});
  // It may come back.
  Run({"change", store_, "--remove", "item-11"});
  WriteFiles(root_ / "edited", {"new,Title of kind 1,3,drama"},
             {"user-3,new,1701388800", "somebody,item-9,1701475200"}, "99.5");
  const v1::Manifest by_changes =
      Build(root_ / "data", {"--changes", store_.string()});
  EXPECT_EQ(by_changes.changes_through(), 5U);
  const v1::Manifest by_hand = Build(root_ / "edited", {});
  EXPECT_EQ(by_hand.changes_through(), 0U);
  EXPECT_EQ(FilesOf(by_changes), FilesOf(by_hand));
  // Without the events that the data have.
  const v1::Manifest fewer =
      Build(root_ / "edited",
            {"--changes", store_.string(), "--changes-in-data", "4"});
  EXPECT_EQ(FilesOf(fewer), FilesOf(by_hand));
  EXPECT_EQ(fewer.changes_through(), 5U);

  // Every version in the store has the events now, so that a snapshot needs
  // only those that come later.
  Run({"publish", built_, store_});
  Run({"change", store_, "--item", "item-1", "--user", "late"});
  const std::string list = Run({"change", store_, "--compact", "--list"});
  EXPECT_THAT(list, AllOf(HasSubstr("item-7 has price=99.5"),
                          HasSubstr("item-11 is taken down"),
                          HasSubstr("item-1 was met by late"),
                          Not(HasSubstr("was met by somebody"))));
}

TEST_F(NextBundleTest, GetsNewItemsWithoutTraining) {
  WriteFiles(root_ / "data", {}, {}, "7");
  std::filesystem::create_directories(store_);
  Build(root_ / "data", {});
  Run({"change", store_, "--item", "item-7", "--set", "price=99.5"});
  Run({"change", store_, "--item", "new", "--add", "title=Title of kind 1",
       "--add", "genre=drama", "--add", "price=a lot"});
  OverwriteFile(root_ / "items.csv",
                "item,title,price,genre\nnew,Title of kind 1,,drama\n");
  const std::filesystem::path out = MakeTestDir();
  const std::string said = Run({"extend", "--from", built_, "--changes", store_,
                                "--out", out, "--version", "2"});
  EXPECT_THAT(said, HasSubstr("change 2: the bundle has no such values in the "
                              "column \"price\""));
  Run({"extend", "--from", built_, "--items", root_ / "items.csv", "--out", out,
       "--version", "3"});
  const auto by_changes = Bundle::Open(out / "2");
  const auto by_file = Bundle::Open(out / "3");
  ASSERT_TRUE(by_changes.ok()) << by_changes.status();
  ASSERT_TRUE(by_file.ok()) << by_file.status();
  EXPECT_EQ(FilesOf((*by_changes)->manifest()),
            FilesOf((*by_file)->manifest()));
  // The server still has to apply the attribute.
  EXPECT_EQ((*by_changes)->manifest().changes_through(), 0U);
  const Outcome again =
      RunProgram({Program("tributary"), "extend", "--from", out / "2",
                  "--changes", store_, "--out", out, "--version", "4"});
  EXPECT_NE(again.exit_status, 0);
  EXPECT_THAT(again.output, HasSubstr("added no item that the bundle lacks"));
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
