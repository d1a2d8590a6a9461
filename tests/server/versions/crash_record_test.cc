#include "server/versions/crash_record.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/process/crash_marker.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::set<uint64_t> RefusedBy(std::string_view text) {
  return ParseCrashRecord(text).refused;
}

TEST(CrashRecord, ThreeCrashesInARowRefuseAVersion) {
  EXPECT_THAT(RefusedBy(""), IsEmpty());
  EXPECT_THAT(RefusedBy("crashed 7 after 1\ncrashed 7 after 2\n"), IsEmpty());
  EXPECT_THAT(RefusedBy("crashed 7 after 1\ncrashed 7 after 2\n"
                        "crashed 7 after 0\n"),
              ElementsAre(7));
}

TEST(CrashRecord, OtherVersionsOrALongLifeBetweenThemBeginAnew) {
  EXPECT_THAT(RefusedBy("crashed 7 after 1\ncrashed 7 after 2\n"
                        "crashed 8 after 1\ncrashed 7 after 0\n"),
              IsEmpty());
  EXPECT_THAT(RefusedBy("crashed 7 after 1\ncrashed 7 after 900\n"
                        "crashed 7 after 1\ncrashed 7 after 1\n"),
              IsEmpty());
}

TEST(CrashRecord, WhatWasRefusedStaysRefused) {
  EXPECT_THAT(RefusedBy("refused 7\ncrashed 8 after 1\n"), ElementsAre(7));
}

TEST(CrashRecord, IgnoresWhatACrashingProcessMayLeave) {
  EXPECT_THAT(RefusedBy("crashed 7 after 1\ncrashed 7 af\n\ncrashed\nnonsense 1"
                        "\ncrashed 7 after 1\ncrashed 7 after 1\n"),
              IsEmpty());
}

TEST(CrashRecord, ReadingWritesDownWhatIsRefusedAndEndingForgetsTheRest) {
  const std::filesystem::path root = MakeTestDir();
  OverwriteFile(root / kCrashRecordName,
                "crashed 7 after 1\ncrashed 7 after 1\ncrashed 7 after 1\n");
  EXPECT_THAT(ReadCrashRecord(root).refused, ElementsAre(7));
  EXPECT_EQ(ReadFile(root / kCrashRecordName), "refused 7\n");
  OverwriteFile(root / kCrashRecordName, "refused 7\ncrashed 8 after 1\n");
  EndCrashRecord(root);
  EXPECT_EQ(ReadFile(root / kCrashRecordName), "refused 7\n");
  OverwriteFile(root / kCrashRecordName, "crashed 8 after 1\n");
  EndCrashRecord(root);
  EXPECT_FALSE(std::filesystem::exists(root / kCrashRecordName));
}

// Runs in a child, which ends by the signal.
void CrashWith(const std::filesystem::path& path, uint64_t subject,
               int signal) {
  const pid_t child = fork();
  if (child == 0) {
    MarkCrashes(path.native());
    SetCrashSubject(subject);
    // No core file, and no report of a sanitizer.
    std::signal(SIGALRM, SIG_DFL);
    raise(signal);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  // A sanitizer ends the process in its own way.
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

TEST(MarkCrashes, WritesALineForEachCrashAndNoneForAKill) {
  const std::filesystem::path path = MakeTestDir() / "crashes";
  CrashWith(path, 12, SIGABRT);
  CrashWith(path, 12, SIGSEGV);
  EXPECT_EQ(ReadFile(path), "crashed 12 after 0\ncrashed 12 after 0\n");
  CrashWith(path, 12, SIGKILL);
  CrashWith(path, 0, SIGSEGV);
  EXPECT_EQ(ReadFile(path), "crashed 12 after 0\ncrashed 12 after 0\n");
}

TEST(BundleSetCrashes, AVersionThatCrashedTheServerIsNotOpenedAgain) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  WriteTinyBundle(root, 2);
  OverwriteFile(root / kCrashRecordName,
                "crashed 2 after 1\ncrashed 2 after 1\ncrashed 2 after 1\n");
  v1::ServerConfig config;
  config.set_bundles(root);
  BundleSet bundles(*CompleteServerConfig(config), RetrieverRegistry::BuiltIn(),
                    {});
  ASSERT_TRUE(bundles.Restore().ok());
  const v1::ServerStatus status = bundles.GetStatus();
  EXPECT_EQ(status.active_version(), 1);
  EXPECT_EQ(status.last_refusal().version(), 2);
  EXPECT_THAT(status.last_refusal().reason(),
              HasSubstr("crashed 3 times in a row"));
  EXPECT_EQ(bundles.Stage(2).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tributary
