// A recording of the real server, sent again by the real command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ReplayTest : public testing::Test {
 protected:
  void Build(const std::vector<uint64_t>& versions) {
    for (const uint64_t version : versions) {
      ASSERT_NO_FATAL_FAILURE(deployment_.Build(version));
      std::filesystem::copy(deployment_.built() / std::to_string(version),
                            deployment_.bundles() / std::to_string(version),
                            std::filesystem::copy_options::recursive);
    }
  }

  void Start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> flags = {"--recording.file",       file_,
                                      "--recording.share",      "1",
                                      "--defaults.deadline_ms", "10000"};
    flags.insert(flags.end(), more.begin(), more.end());
    ASSERT_NO_FATAL_FAILURE(deployment_.StartServer(flags));
  }

  // Users that the bundle knows, one that it does not, and nobody.
  void Ask(int calls) {
    for (int i = 0; i < calls; ++i) {
      v1::RetrieveRequest request;
      if (i % 10 == 8) request.set_user_key("stranger");
      if (i % 10 < 8) request.set_user_key(fmt::format("u{}", i % 60));
      request.set_k(20);
      const auto response = deployment_.client().Retrieve(request);
      ASSERT_TRUE(response.ok()) << response.status();
    }
    v1::RetrieveRequest wrong;
    wrong.set_k(1'000'000);
    ASSERT_FALSE(deployment_.client().Retrieve(wrong).ok());
  }

  void Activate(uint64_t version) {
    v1::BundleStatus status;
    v1::StageRequest stage;
    stage.set_version(version);
    grpc::ClientContext staging;
    const grpc::Status staged =
        deployment_.control().Stage(&staging, stage, &status);
    ASSERT_TRUE(staged.ok()) << staged.error_message();
    v1::ActivateRequest activate;
    activate.set_version(version);
    grpc::ClientContext activating;
    ASSERT_TRUE(
        deployment_.control().Activate(&activating, activate, &status).ok());
  }

  // Of a copy, because the server goes on recording what is replayed.
  Outcome Replay(const std::vector<std::string>& flags) {
    const std::filesystem::path copy = deployment_.bundles() / "copy.rec";
    std::filesystem::copy_file(file_, copy,
                               std::filesystem::copy_options::skip_existing);
    std::vector<std::string> arguments = {Program("tributary"), "replay", copy,
                                          "--server", deployment_.grpc()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunProgram(arguments);
  }

  // Waits until the server has written what it answered.
  void WaitForRecorded(int calls) {
    ASSERT_TRUE(WaitUntil([&] {
      return deployment_.Get("/metrics")
                 .find(fmt::format("\ntributary_recorded_total {}\n", calls)) !=
             std::string::npos;
    })) << deployment_.Get("/metrics");
  }

  Deployment deployment_;
  const std::string file_ = deployment_.bundles() / "calls.rec";
};

TEST_F(ReplayTest, TellsWhatAnotherVersionAnswers) {
  // Deployment's versions have no item in common.
  ASSERT_NO_FATAL_FAILURE(Build({1, 2}));
  ASSERT_NO_FATAL_FAILURE(Start({"--recording.user_keys", "true"}));
  ASSERT_NO_FATAL_FAILURE(Activate(1));
  ASSERT_NO_FATAL_FAILURE(Ask(100));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(101));

  const Outcome same = Replay({"--fail-below", "1"});
  EXPECT_EQ(same.exit_status, 0) << same.output;
  EXPECT_THAT(
      same.output,
      AllOf(HasSubstr("copy.rec: 101 calls from 20"),
            HasSubstr(", 0 torn, 64.0 MiB at most"),
            HasSubstr("sent             101 calls"),
            HasSubstr("versions         then 1; now 1\n"),
            HasSubstr("overlap          1.0000 on average"),
            HasSubstr("identical        101 calls, 100.00 %"),
            HasSubstr("0 came, 0 went, 1 as then, 0 others"),
            ContainsRegex("then p50 [0-9.]+ ms, p99"),
            Not(HasSubstr("hashed users")), Not(HasSubstr("worst calls"))));

  // The candidate, before anybody is served from it.
  v1::BundleStatus status;
  v1::StageRequest stage;
  stage.set_version(2);
  grpc::ClientContext staging;
  ASSERT_TRUE(deployment_.control().Stage(&staging, stage, &status).ok());
  const Outcome candidate = Replay({"--bundle-version", "2", "--worst", "3",
                                    "--rate", "2000", "--concurrency", "2"});
  EXPECT_EQ(candidate.exit_status, 0) << candidate.output;
  EXPECT_THAT(
      candidate.output,
      AllOf(HasSubstr("versions         then 1; now 2\n"),
            HasSubstr("overlap          0.0000 on average"),
            HasSubstr("identical        1 calls, 0.99 %"),
            ContainsRegex("worst calls:\n  call 1 .*: overlap 0.0000")));

  ASSERT_NO_FATAL_FAILURE(Activate(2));
  const Outcome swapped = Replay({"--fail-below", "0.5", "--json"});
  EXPECT_EQ(swapped.exit_status, 1);
  EXPECT_THAT(
      swapped.output,
      AllOf(HasSubstr("\"mean_overlap\": 0"), HasSubstr("\"versions_now\": ["),
            HasSubstr("the mean overlap is 0.0000, below --fail-below "
                      "0.5")));
  const Outcome back =
      Replay({"--bundle-version", "1", "--limit", "10", "--fail-below", "1"});
  EXPECT_EQ(back.exit_status, 0) << back.output;
  EXPECT_THAT(back.output, HasSubstr("sent             10 calls"));
}

TEST_F(ReplayTest, SaysWhatHashedUsersMean) {
  ASSERT_NO_FATAL_FAILURE(Build({1}));
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(Ask(50));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(51));
  const Outcome outcome = Replay({"--fail-below", "1"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  // 40 users whom the server knew, and 5 strangers.
  EXPECT_THAT(
      outcome.output,
      AllOf(HasSubstr("hashed users     45 calls, whose users the recording "
                      "does not tell"),
            HasSubstr("It knew those of 40 then: these are not compared"),
            HasSubstr("compared         11 calls"),
            HasSubstr("identical        11 calls, 100.00 %")));
  std::ifstream file(file_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(bytes, Not(HasSubstr("stranger")));
}

TEST_F(ReplayTest, AKilledServerLeavesARecording) {
  ASSERT_NO_FATAL_FAILURE(Build({1}));
  ASSERT_NO_FATAL_FAILURE(Start({"--recording.user_keys", "true"}));
  ASSERT_NO_FATAL_FAILURE(Ask(20));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(21));
  deployment_.server().Signal(SIGKILL);
  deployment_.server().Wait();
  ASSERT_NO_FATAL_FAILURE(Start({"--recording.user_keys", "true"}));
  ASSERT_NO_FATAL_FAILURE(Ask(20));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(21));
  const Outcome outcome = Replay({});
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("copy.rec: 42 calls"),
                                    HasSubstr("42 calls, 100.00 %")));
}

TEST_F(ReplayTest, PrintsLinesOfJson) {
  ASSERT_NO_FATAL_FAILURE(Build({1}));
  ASSERT_NO_FATAL_FAILURE(Start({"--recording.user_keys", "true"}));
  ASSERT_NO_FATAL_FAILURE(Ask(3));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(4));
  const Outcome outcome = Replay({"--print", "--limit", "2"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("copy.rec: 4 calls"), HasSubstr("\n{\"atMs\":\""),
                    HasSubstr("\"request\":{\"userKey\":\"u0\",\"k\":20}"),
                    HasSubstr("\"userKey\":\"u1\""),
                    Not(HasSubstr("\"userKey\":\"u2\""))));
}

TEST_F(ReplayTest, ErrorsSayWhatToDo) {
  const auto replay = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), "replay"});
    return RunProgram(arguments);
  };
  EXPECT_THAT(replay({"/none"}).output, HasSubstr("/none: No such file"));
  const std::string text = deployment_.bundles() / "text";
  std::ofstream(text) << "a text";
  const Outcome no_recording = replay({text});
  EXPECT_EQ(no_recording.exit_status, 1);
  EXPECT_THAT(no_recording.output, HasSubstr("text is no recording"));
  EXPECT_THAT(replay({text, "--bundle-version", "1", "--label", "x"}).output,
              HasSubstr("--bundle-version, --label: expected one of them"));

  ASSERT_NO_FATAL_FAILURE(Build({1}));
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(Ask(2));
  ASSERT_NO_FATAL_FAILURE(WaitForRecorded(3));
  deployment_.StopServer();
  const Outcome nobody = Replay({});
  EXPECT_EQ(nobody.exit_status, 1);
  EXPECT_THAT(nobody.output, HasSubstr("UNAVAILABLE"));
}

}  // namespace
}  // namespace tributary
