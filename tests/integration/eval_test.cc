// What `tributary eval` says of test sets that do not fit, of lists that were
// made elsewhere, and of a bundle that got worse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kUsers = 120;
constexpr int kGroups = 6;
constexpr int kItemsOfGroup = 20;

// User u has twelve of the items of group u % 6.
std::string ItemOf(int user, int i) {
  return fmt::format("tea-{}", user % kGroups * kItemsOfGroup +
                                   (user / kGroups * 7 + i) % kItemsOfGroup);
}

std::string Interactions(bool shuffled) {
  std::string text = "user,item\n";
  for (int user = 0; user < kUsers; ++user) {
    for (int i = 0; i < 10; ++i) {
      // Shuffled: of any group, so that there is nothing to learn.
      text += fmt::format("ann-{},{}\n", user,
                          ItemOf(shuffled ? user + i * 5 : user, i));
    }
  }
  return text;
}

class EvalTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = MakeTestDir();
    for (const int version : {1, 2}) {
      const auto data = dir_ / fmt::format("data{}", version);
      std::filesystem::create_directories(data);
      OverwriteFile(data / "interactions.csv", Interactions(version == 2));
      const Outcome built = RunProgram({Program("tributary"), "build", "--data",
                                        "csv:" + data.string(), "--out", dir_,
                                        "--version", std::to_string(version)});
      ASSERT_EQ(built.exit_status, 0) << built.output;
    }
    std::string good;
    for (int user = 0; user < kUsers; ++user) {
      for (const int i : {10, 11}) {
        good += fmt::format("ann-{}\t{}\n", user, ItemOf(user, i));
      }
    }
    good_ = WriteTest("good", good);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(dir_); }

  static std::string WriteTest(const std::string& name,
                               const std::string& pairs) {
    const auto path = dir_ / (name + ".inter");
    OverwriteFile(path, "user_id:token\titem_id:token\n" + pairs);
    return path;
  }

  static Outcome Eval(const std::string& test,
                      std::vector<std::string> flags = {}, int version = 1) {
    std::vector<std::string> arguments = {Program("tributary"),
                                          "eval",
                                          "--bundle",
                                          dir_ / std::to_string(version),
                                          "--test",
                                          test,
                                          "-k",
                                          "1,2",
                                          "--json",
                                          Json()};
    std::filesystem::remove(Json());
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = RunProgram(arguments);
    const std::regex nan("(^|[^a-z])-?nan([^a-z]|$)");
    EXPECT_FALSE(std::regex_search(outcome.output, nan)) << outcome.output;
    EXPECT_THAT(outcome.output, Not(HasSubstr("NaN")));
    return outcome;
  }
  static Outcome Tune(const std::string& test,
                      const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments = {Program("tributary"), "tune",
                                          "--bundle",           dir_ / "1",
                                          "--validation",       test};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunProgram(arguments);
  }
  static std::string Json() { return dir_ / "eval.json"; }

  static inline std::filesystem::path dir_;
  static inline std::string good_;
};

TEST_F(EvalTest, CountsWhatTheBundleDoesNotKnow) {
  const Outcome good = Eval(good_);
  EXPECT_EQ(good.exit_status, 0) << good.output;
  EXPECT_THAT(good.output,
              AllOf(HasSubstr("test set: 0 of 120 users unknown, 0 of 120 "
                              "items unknown, 0 of 240 pairs in training\n"),
                    HasSubstr(" wins: "), Not(HasSubstr("warning"))));
  EXPECT_THAT(ReadFile(Json()), AllOf(HasSubstr("\"unknown_users\":0"),
                                      HasSubstr("\"verdict\":")));
  const std::string some = WriteTest(
      "some", "ann-1\ttea-999\nbob\ttea-1\nann-1\t" + ItemOf(1, 10) + "\n");
  const Outcome partly = Eval(some);
  EXPECT_EQ(partly.exit_status, 0) << partly.output;
  EXPECT_THAT(partly.output,
              AllOf(HasSubstr("1 of 2 users unknown, 1 of 3 items unknown"),
                    HasSubstr("warning: 1 of 2 users are unknown; the bundle's "
                              "user keys look like ann-0, ")));
}

TEST_F(EvalTest, ATestSetOfOtherKeysIsAnErrorAndNotARecallOfZero) {
  const Outcome users = Eval(WriteTest("users", "1\ttea-1\n2\ttea-2\n"));
  EXPECT_EQ(users.exit_status, 1);
  EXPECT_THAT(
      users.output,
      AllOf(HasSubstr("no test pair is left: 2 of 2 users are unknown; "
                      "the bundle's user keys look like ann-0, "),
            HasSubstr("the test set's like 1, 2"), Not(HasSubstr("0.0000"))));
  EXPECT_THAT(ReadFile(Json()), AllOf(HasSubstr("\"unknown_users\":2"),
                                      Not(HasSubstr("recall"))));
  const Outcome items = Eval(WriteTest("items", "ann-1\t1\nann-2\t2\n"));
  EXPECT_EQ(items.exit_status, 1);
  EXPECT_THAT(items.output, HasSubstr("2 of 2 items are unknown"));
  const Outcome strangers =
      Eval(WriteTest("users", "1\ttea-1\n2\ttea-2\n"), {"--allow-cold-users"});
  EXPECT_EQ(strangers.exit_status, 0) << strangers.output;
  EXPECT_THAT(strangers.output, HasSubstr("recall "));
}

TEST_F(EvalTest, ATestSetThatWasTrainedOnIsRefused) {
  const std::string seen = WriteTest(
      "seen", "ann-1\t" + ItemOf(1, 0) + "\nann-1\t" + ItemOf(1, 10) + "\n");
  const Outcome refused = Eval(seen);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(
      refused.output,
      AllOf(HasSubstr("1 of 2 pairs in training"),
            HasSubstr("the bundle has seen this test set: 1 of 2 pairs"),
            HasSubstr("--allow-seen")));
  EXPECT_THAT(ReadFile(Json()), HasSubstr("\"seen_pairs\":1"));
  const Outcome allowed = Eval(seen, {"--allow-seen"});
  EXPECT_EQ(allowed.exit_status, 0) << allowed.output;
  EXPECT_THAT(allowed.output,
              AllOf(HasSubstr("warning: the bundle has seen this test set"),
                    HasSubstr("(1 users, 1 held-out interactions)")));
  // Nothing is left of this one.
  const std::string all = WriteTest("all", "ann-1\t" + ItemOf(1, 0) + "\n");
  EXPECT_EQ(Eval(all).exit_status, 1);
  const Outcome nothing = Eval(all, {"--allow-seen"});
  EXPECT_EQ(nothing.exit_status, 0) << nothing.output;
  EXPECT_THAT(nothing.output,
              AllOf(HasSubstr("warning: no test pair is left: 1 of 1 pairs "
                              "were in training"),
                    Not(HasSubstr("0.0000"))));
  EXPECT_EQ(Eval(all, {"--allow-seen", "--fail-if-worse-than", dir_ / "2"})
                .exit_status,
            1);
}

TEST_F(EvalTest, TuneAsksTheSameOfItsTestSet) {
  const std::string seen =
      WriteTest("tune_seen",
                "ann-1\t" + ItemOf(1, 0) + "\nann-1\t" + ItemOf(1, 10) + "\n");
  const Outcome refused = Tune(seen);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(
      refused.output,
      AllOf(HasSubstr("1 of 2 pairs in training"),
            HasSubstr("the bundle has seen this test set: 1 of 2 pairs"),
            HasSubstr("--allow-seen"), Not(HasSubstr("recall of"))));
  const std::string strangers = WriteTest("tune_users", "1\ttea-1\n2\ttea-2\n");
  const Outcome unknown = Tune(strangers);
  EXPECT_EQ(unknown.exit_status, 1);
  EXPECT_THAT(unknown.output,
              HasSubstr("no test pair is left: 2 of 2 users are unknown; the "
                        "bundle's user keys look like ann-0, "));
  EXPECT_EQ(Tune(strangers, {"--allow-cold-users"}).exit_status, 0);
  // What was seen is left out.
  const std::string good = ReadFile(good_);
  const std::string most =
      WriteTest("tune_most", good.substr(good.find('\n') + 1) + "ann-1\t" +
                                 ItemOf(1, 0) + "\n");
  EXPECT_EQ(Tune(most).exit_status, 1);
  const Outcome allowed = Tune(most, {"--allow-seen", "--json", Json()});
  EXPECT_EQ(allowed.exit_status, 0) << allowed.output;
  EXPECT_THAT(allowed.output,
              AllOf(HasSubstr("warning: the bundle has seen this test set"),
                    HasSubstr("recall of 120 users")));
  EXPECT_THAT(
      ReadFile(Json()),
      AllOf(HasSubstr("\"seen_pairs\":1"), HasSubstr("\"users\":120"),
            HasSubstr("\"gain_over_now\":{"), HasSubstr("\"model\":{")));
}

TEST_F(EvalTest, JsonWithoutAFileIsAllOfStdout) {
  const std::string command =
      fmt::format("'{}' eval --bundle '{}' --test '{}' -k 1,2 --json 2>'{}'",
                  Program("tributary"), (dir_ / "1").string(), good_, Json());
  const Outcome printed = RunProgram({"/bin/sh", "-c", command});
  EXPECT_EQ(printed.exit_status, 0) << printed.output;
  google::protobuf::Struct json;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(printed.output, &json).ok())
      << printed.output;
  EXPECT_TRUE(json.fields().contains("recall"));
  EXPECT_THAT(ReadFile(Json()), HasSubstr("test set: 0 of 120 users unknown"));
}

TEST_F(EvalTest, JudgesListsThatWereMadeElsewhere) {
  std::string perfect = "score,user_id,item_id\n";
  std::string poor = "user\titem\trank\n";
  for (int user = 0; user < kUsers; ++user) {
    for (const int i : {10, 11}) {
      perfect += fmt::format("{},ann-{},{}\n", 20 - i, user, ItemOf(user, i));
      poor += fmt::format("ann-{}\t{}\t{}\n", user, ItemOf(user + 1, i), i);
    }
  }
  poor += "bob\ttea-1\t1\nann-0\ttea-999\t12\n";
  OverwriteFile(dir_ / "perfect.csv", perfect);
  OverwriteFile(dir_ / "poor.tsv", poor);
  const Outcome judged = Eval(
      good_, {"--lists", "oracle=" + (dir_ / "perfect.csv").string(), "--lists",
              (dir_ / "poor.tsv").string(), "--html", dir_ / "report.html"});
  EXPECT_EQ(judged.exit_status, 0) << judged.output;
  EXPECT_THAT(
      judged.output,
      AllOf(HasSubstr("          oracle      0.5000  1.0000\n"),
            HasSubstr("          poor        0.0000  0.0000\n"),
            HasSubstr("(poor: 0 of 120 test users have no list, and a recall "
                      "of 0; 1 of 121 users are not in the test set; 1 of 121 "
                      "items are unknown; 0 of 241 entries"),
            HasSubstr("fused - oracle"), HasSubstr("\noracle wins: ")));
  EXPECT_THAT(ReadFile(Json()),
              AllOf(HasSubstr("\"rivals\":"), HasSubstr("\"oracle\":"),
                    HasSubstr("\"difference\":")));
  const std::string page = ReadFile(dir_ / "report.html");
  EXPECT_THAT(page, AllOf(HasSubstr("<p class=verdict>oracle wins: "),
                          HasSubstr("<h2>Against poor</h2>")));

  OverwriteFile(dir_ / "no_rank.csv", "user,item\nann-1,tea-1\n");
  const Outcome refused =
      Eval(good_, {"--lists", (dir_ / "no_rank.csv").string()});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output,
              AllOf(HasSubstr("no column rank or score in the header"),
                    Not(HasSubstr("fused"))));
}

TEST_F(EvalTest, FailsWhereTheBundleIsWorseThanAnother) {
  // Version 2 learned from noise.
  const Outcome worse =
      Eval(good_, {"--allow-seen", "--fail-if-worse-than", dir_ / "1"}, 2);
  EXPECT_EQ(worse.exit_status, 1);
  EXPECT_THAT(worse.output,
              AllOf(HasSubstr("error: the bundle is worse than "),
                    HasSubstr("fused - "), HasSubstr(" wins: its recall@")));
  EXPECT_TRUE(std::regex_search(
      worse.output, std::regex("worse than \\S+: its (recall|ndcg)@(1|2) of")))
      << worse.output;
  EXPECT_THAT(ReadFile(Json()), HasSubstr("\"worse\":true"));
  const Outcome better =
      Eval(good_, {"--allow-seen", "--fail-if-worse-than", dir_ / "2"});
  EXPECT_EQ(better.exit_status, 0) << better.output;
  EXPECT_THAT(ReadFile(Json()), HasSubstr("\"worse\":false"));
  const Outcome equal = Eval(good_, {"--fail-if-worse-than", dir_ / "1"});
  EXPECT_EQ(equal.exit_status, 0) << equal.output;
  EXPECT_THAT(equal.output, HasSubstr("Nobody wins: "));
}

}  // namespace
}  // namespace tributary
