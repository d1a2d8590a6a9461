// Trials whose process misbehaves in ways that files seldom cause.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "server/trial/trial.h"
#include "server/trial/trial_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TrialLimitsTest : public testing::Test {
 protected:
  TrialLimitsTest() {
    task_.trial = *CompleteTrial({});
    task_.trial.set_timeout_ms(60'000);
    task_.program = MISBEHAVING_TRIAL;
  }

  // misbehaving_trial.cc reads what to do, and writes its process id, here.
  std::filesystem::path Beside(const char* name) const {
    return task_.bundle.parent_path() / name;
  }

  absl::Status Try(const char* how, std::stop_token stop = {}) {
    OverwriteFile(Beside("misbehave"), how);
    return TryVersion(task_, std::move(stop)).status();
  }

  static std::string Message(const absl::Status& status) {
    return std::string(status.message());
  }

  TrialTask task_{.bundle = WriteTinyBundle(MakeTestDir(), 1)};
};

TEST_F(TrialLimitsTest, AProcessThatHangsIsKilledWhenItsTimeIsOver) {
  task_.trial.set_timeout_ms(200);
  const auto status = Try("hang");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(Message(status),
            "the trial took longer than 200 ms while misbehaving");
}

TEST_F(TrialLimitsTest, AProcessThatSpinsIsKilledByItsLimitOfCpuTime) {
  task_.trial.set_max_cpu_seconds(1);
  const auto status = Try("spin");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(Message(status),
            "the trial took more than 1 s of CPU time while misbehaving");
}

#ifndef __SANITIZE_ADDRESS__  // Which ends programs that ask for too much.
TEST_F(TrialLimitsTest, AProcessThatEatsMemoryDiesOfItsOwnLimit) {
  task_.trial.set_max_extra_bytes(256 << 20);
  const auto status = Try("eat");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status),
              AllOf(HasSubstr("killed by SIGABRT while misbehaving"),
                    HasSubstr("bad_alloc")));
}
#endif

TEST_F(TrialLimitsTest, AProcessThatSaysTooMuchIsKilled) {
  const auto status = Try("flood");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("longer than"));
}

TEST_F(TrialLimitsTest, ACrashRefusesTheVersion) {
  const auto status = Try("crash");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr("killed by SIGSEGV while misbehaving"));
}

TEST_F(TrialLimitsTest, BeingKilledFromOutsideSaysNothingOfTheVersion) {
  const auto status = Try("killed");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("SIGKILL"));
}

TEST_F(TrialLimitsTest, NoAnswerSaysNothingOfTheVersion) {
  EXPECT_TRUE(absl::IsUnavailable(Try("half")));
  EXPECT_TRUE(absl::IsUnavailable(Try("garbage")));
  const auto status = Try("ends");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("exit status 3"));
}

TEST_F(TrialLimitsTest, AProgramThatCannotBeStartedSaysNothingOfTheVersion) {
  task_.program = "/nowhere/program";
  const auto status = Try("ends");
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("/nowhere/program"));
}

TEST_F(TrialLimitsTest, NoDescriptorIsInherited) {
  const std::ifstream open("/proc/self/stat");
  // stdin, stdout, stderr and the pipe for the answer.
  EXPECT_THAT(Message(Try("descriptors")), HasSubstr("exit status 4 "));
}

TEST_F(TrialLimitsTest, NoCredentialIsInherited) {
  for (const char* secret : {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                             "GITHUB_TOKEN", "HOME", "TRIBUTARY_CONTROL"}) {
    ASSERT_EQ(::setenv(secret, "secret", 1), 0);
  }
  ASSERT_EQ(::setenv("TZ", "UTC", 1), 0);
  const std::string message = Message(Try("environment"));
  for (const char* name : {"AWS_", "GITHUB", "HOME", "TRIBUTARY_CONTROL"}) {
    EXPECT_THAT(message, Not(HasSubstr(name)));
  }
  EXPECT_THAT(message, AllOf(HasSubstr("TZ"), HasSubstr("OMP_NUM_THREADS")));
}

TEST_F(TrialLimitsTest, CanGainNoRightsAndWriteNoLargeFiles) {
  EXPECT_THAT(Message(Try("rights")), HasSubstr("exit status 0 "));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(TrialLimitsTest, ReachesNobodyAndStartsNothing) {
  const std::string message = Message(Try("calls"));
  EXPECT_THAT(message, HasSubstr("exit status 0 "));
  EXPECT_THAT(message, Not(HasSubstr("can ")));
}
#endif

TEST_F(TrialLimitsTest, RootsTrialHasNoRightsOfRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has rights to lose";
  // Root's files are for nobody; it can read them, and no more.
  const auto has_rights_of = [](int user, int group) {
    return AllOf(HasSubstr(fmt::format("Uid: {0} {0} {0} {0};", user)),
                 HasSubstr(fmt::format("Gid: {0} {0} {0} {0};", group)),
                 HasSubstr("Groups:  ;"),
                 HasSubstr("CapEff: 0000000000000004;"));
  };
  EXPECT_THAT(Message(Try("user")), has_rights_of(65534, 65534));
  // Those of others are for their owner.
  ASSERT_EQ(::chown(task_.bundle.c_str(), 1234, 1235), 0);
  EXPECT_THAT(Message(Try("user")), has_rights_of(1234, 1235));
}

TEST_F(TrialLimitsTest, AStopEndsTheTrial) {
  std::stop_source stop;
  const auto file = Beside("pid");
  std::jthread stopper([&] {
    while (ReadFile(file).empty()) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_TRUE(absl::IsCancelled(Try("hang", stop.get_token())));
}

// Whether the process does not exist, or is a zombie.
bool HasEnded(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  return stat.empty() || stat.find(") Z ") != std::string::npos;
}

TEST_F(TrialLimitsTest, ATrialDoesNotOutliveWhoWaitsForIt) {
  const auto file = Beside("pid");
  const pid_t waiter = ::fork();
  if (waiter == 0) {
    Try("hang").IgnoreError();
    ::_exit(0);
  }
  while (ReadFile(file).find('\n') == std::string::npos) {
    std::this_thread::yield();
  }
  const pid_t trial = std::stoi(ReadFile(file));
  EXPECT_FALSE(HasEnded(trial));
  ::kill(waiter, SIGKILL);
  ::waitpid(waiter, nullptr, 0);
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!HasEnded(trial)) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
}

TEST(CompleteTrial, FillsInTheDefaultsAndNamesTheFieldThatIsWrong) {
  EXPECT_EQ(CompleteTrial({})->max_extra_bytes(), 1 << 30);
  EXPECT_EQ(CompleteTrial({})->max_cpu_seconds(), 600);
  EXPECT_EQ(CompleteTrial({})->timeout_ms(), 600'000);
  v1::Trial trial;
  trial.set_timeout_ms(0);
  EXPECT_THAT(std::string(CompleteTrial(trial).status().message()),
              testing::StartsWith("timeout_ms:"));
}

}  // namespace
}  // namespace tributary
