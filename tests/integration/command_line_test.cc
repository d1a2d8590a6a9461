// Commands and outputs that scripts rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/data/data_files.h"
#include "tests/index/search/space_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Outcome Tributary(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Program("tributary"));
  return RunProgram(arguments);
}

TEST(CommandLine, VerifySaysOkOrTheReason) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 3);
  EXPECT_EQ(Tributary({"verify", dir}).output, "ok\n");
  OverwriteFile(dir / "seen.rows.npy", "nonsense");
  const Outcome refused = Tributary({"verify", dir});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("seen.rows.npy"));
}

TEST(CommandLine, VerifyTriesTheSearches) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 3);
  std::string manifest = ReadFile(dir / "manifest.json");
  const std::string row = "\"rows\": [\n    4,";
  ASSERT_NE(manifest.find(row), std::string::npos) << manifest;
  manifest.replace(manifest.find(row), row.size(), "\"rows\": [\n    0,");
  OverwriteFile(dir / "manifest.json", manifest);
  const Outcome refused = Tributary({"verify", dir});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("golden"));
}

TEST(CommandLine, InspectShowsWhatIsInABundle) {
  const Outcome shown =
      Tributary({"inspect", WriteTinyBundle(MakeTestDir(), 3)});
  EXPECT_EQ(shown.exit_status, 0);
  EXPECT_THAT(shown.output, AllOf(HasSubstr("version      3"),
                                  HasSubstr("taste"), HasSubstr("plan=gold")));
}

TEST(CommandLine, InspectShowsTheIndexesThatWereTried) {
  const auto dir = MakeTestDir();
  WriteMatrix(dir / "taste.items.npy", RandomVectors(900, 8, 1), 8);
  const Outcome built =
      Tributary({"build", "--data", "vectors:" + dir.string(), "--out",
                 dir / "out", "--index.kind", "ivf", "--index.target_n", "30",
                 "--index.target_recall", "0.9"});
  ASSERT_EQ(built.exit_status, 0) << built.output;
  const Outcome shown = Tributary({"inspect", dir / "out" / "1"});
  EXPECT_EQ(shown.exit_status, 0);
  EXPECT_THAT(
      shown.output,
      AllOf(ContainsRegex("ivf lists=[0-9]+ probes=[0-9]+ reranked=[0-9]+ "
                          "recall@30=0.9[0-9]+ of exact in [0-9.]+ us"),
            HasSubstr("taste: index candidates; * was chosen"),
            ContainsRegex("kind +probes +reranked +recall@30 +us"),
            ContainsRegex("  ivf +[0-9]+ +[0-9]+ +[01][.][0-9]+ +[0-9.]+"),
            ContainsRegex("[*] ivf +[0-9]+ +[0-9]+ +0[.]9[0-9]+ +[0-9.]+")));
}

TEST(CommandLine, PublishMovesCurrentAndRefusesOtherContents) {
  const auto store = MakeTestDir();
  const auto root = MakeTestDir();
  const Outcome published =
      Tributary({"publish", WriteTinyBundle(root, 3), store});
  EXPECT_EQ(published.exit_status, 0) << published.output;
  EXPECT_EQ(ReadFile(store / "CURRENT"), "3\n");
  EXPECT_EQ(Tributary({"verify", store / "3"}).output, "ok\n");

  const auto other = WriteTinyBundle(MakeTestDir(), 3);
  std::string manifest = ReadFile(other / "manifest.json");
  OverwriteFile(other / "manifest.json", manifest + "\n");
  const Outcome refused = Tributary({"publish", other, store});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("ALREADY_EXISTS"));
}

TEST(CommandLine, BuildNumbersVersionsUpwards) {
  const auto dir = MakeTestDir();
  const auto data = dir / "data";
  std::filesystem::create_directories(data);
  OverwriteFile(data / "interactions.csv",
                "user,item\nann,tea\nann,milk\nbob,tea\nbob,rum\ncat,milk\n");
  for (const std::string version : {"1", "2"}) {
    const Outcome built = Tributary(
        {"build", "--data", "csv:" + data.string(), "--out", dir / "out"});
    EXPECT_EQ(built.exit_status, 0) << built.output;
    EXPECT_TRUE(
        std::filesystem::exists(dir / "out" / version / "manifest.json"));
  }
}

TEST(CommandLine, BuildLikeTakesOverWhatAnEarlierBundleHadChosen) {
  const auto dir = MakeTestDir();
  std::string csv = "user,item,timestamp\n";
  for (int user = 0; user < 60; ++user) {
    for (int i = 0; i < 10; ++i) {
      csv += "u" + std::to_string(user) + ",i" +
             std::to_string((user % 6) * 8 + (user * 7 + i * 5) % 24) + "," +
             std::to_string(1'700'000'000 + 86400 * i) + "\n";
    }
  }
  std::filesystem::create_directories(dir / "data");
  OverwriteFile(dir / "data" / "interactions.csv", csv);
  const std::vector<std::string> build = {"build", "--data",
                                          "csv:" + (dir / "data").string(),
                                          "--out", dir / "out"};
  const auto run = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), build.begin(), build.end());
    return Tributary(flags);
  };
  const Outcome first = run({});
  ASSERT_EQ(first.exit_status, 0) << first.output;
  EXPECT_THAT(first.output,
              AllOf(HasSubstr("choose als"), HasSubstr("validation: fusion")));

  const std::string earlier = dir / "out" / "1";
  const Outcome second = run({"--like", earlier});
  ASSERT_EQ(second.exit_status, 0) << second.output;
  EXPECT_THAT(
      second.output,
      AllOf(ContainsRegex("like version 1: als: alpha=[0-9.]+ reg"),
            HasSubstr("like version 1: behavior: epochs="),
            HasSubstr("like version 1: trending: half_life_days="),
            HasSubstr("like version 1: index of als: flat"),
            HasSubstr("come from version 1; this bundle is not measured"),
            Not(HasSubstr("choose als")), Not(HasSubstr("validation:"))));
  EXPECT_THAT(Tributary({"inspect", dir / "out" / "2"}).output,
              AllOf(HasSubstr("like         version 1"),
                    HasSubstr("Measured on version 1, not on this one"),
                    HasSubstr("(learned on version 1, not on this one)")));
  EXPECT_THAT(Tributary({"inspect", earlier}).output,
              Not(HasSubstr("not on this one")));

  // What is set beside --like wins.
  const Outcome third =
      run({"--like", earlier, "--als.alpha", "7", "--validation_share", "0.2"});
  ASSERT_EQ(third.exit_status, 0) << third.output;
  EXPECT_THAT(third.output, AllOf(HasSubstr("als: alpha=7 "),
                                  HasSubstr("validation: fusion")));
  EXPECT_THAT(Tributary({"inspect", dir / "out" / "3"}).output,
              HasSubstr("Measured on held-out interactions when it was built"));

  const Outcome none = run({"--like", dir / "data"});
  EXPECT_NE(none.exit_status, 0);
  EXPECT_THAT(none.output, AllOf(HasSubstr("--like " + (dir / "data").string()),
                                 HasSubstr("manifest.json")));
  OverwriteFile(dir / "data" / "manifest.json",
                "{\"format\": 99, \"version\": \"1\"}");
  EXPECT_THAT(run({"--like", dir / "data"}).output, HasSubstr("format: 99"));
}

TEST(CommandLine, BuildNamesWhatIsWrongWithItsInput) {
  const auto dir = MakeTestDir();
  OverwriteFile(dir / "interactions.csv", "user,thing\nann,tea\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--data", "nothing"}, "nothing"},
      {{"--data", "csv:" + (dir / "none").string()}, "none"},
      {{"--data", "csv:" + dir.string()}, "interactions.csv"},
      {{"--data", "synthetic", "--als.dim", "0"}, "als.dim"},
      {{"--data", "synthetic", "--holdout", "0.2"}, "--test-out"},
  };
  for (const auto& [flags, named] : cases) {
    std::vector<std::string> arguments = {"build", "--out", dir / "out"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome refused = Tributary(arguments);
    EXPECT_NE(refused.exit_status, 0) << named;
    EXPECT_THAT(refused.output, HasSubstr(named));
  }
}

TEST(CommandLine, RetrieveSaysThatThereIsNoServer) {
  const Outcome refused =
      Tributary({"retrieve", "ann", "--address", "unix:/nowhere/socket",
                 "--deadline-ms", "200"});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("error:"));
}

TEST(CommandLine, HealthSaysWhetherAServerIsReady) {
  Deployment deployment;
  deployment.StartServer();
  const Outcome sick = Tributary({"health", deployment.grpc()});
  EXPECT_EQ(sick.exit_status, 1);
  EXPECT_THAT(sick.output, HasSubstr(deployment.grpc() + ": not serving"));
  EXPECT_THAT(Tributary({"health", deployment.grpc(), "--json"}).output,
              HasSubstr("\"NOT_SERVING\""));
  const std::string control =
      "unix:" + (deployment.bundles() / "control.sock").string();
  EXPECT_THAT(Tributary({"health", control}).output,
              HasSubstr("no health service"));
  EXPECT_THAT(Tributary({"health", deployment.http()}).output,
              HasSubstr("answers HTTP/1"));
  EXPECT_EQ(deployment.StopServer(), 0);
  const Outcome gone = Tributary({"health", deployment.grpc()});
  EXPECT_EQ(gone.exit_status, 1);
  EXPECT_THAT(gone.output, HasSubstr("(UNAVAILABLE)"));

  WriteTinyBundle(deployment.bundles(), 3);
  deployment.StartServer();
  const Outcome well = Tributary({"health", deployment.grpc()});
  EXPECT_EQ(well.exit_status, 0);
  EXPECT_EQ(well.output, deployment.grpc() + ": serving\n");
}

TEST(CommandLine, HealthWaitsNoLongerThanItIsTold) {
  Deployment deployment;
  deployment.StartServer();
  deployment.server().Signal(SIGSTOP);
  const Outcome silent =
      Tributary({"health", deployment.grpc(), "--timeout-ms", "100"});
  deployment.server().Signal(SIGCONT);
  EXPECT_EQ(silent.exit_status, 1);
  EXPECT_THAT(silent.output, HasSubstr("no answer within 100 ms"));
}

TEST(CommandLine, ProgramsTellBadFlagsAndFiles) {
  const auto dir = MakeTestDir();
  OverwriteFile(dir / "server.yaml", "limits:\n  max_q: 3\n");
  for (const char* program : {"tributary-server", "tributary-loader"}) {
    const Outcome refused =
        RunProgram({Program(program), "--config", dir / "server.yaml"});
    EXPECT_NE(refused.exit_status, 0);
    EXPECT_THAT(refused.output, HasSubstr("server.yaml:"));
  }
}

}  // namespace
}  // namespace tributary
