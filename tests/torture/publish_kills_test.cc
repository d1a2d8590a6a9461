// Kills `tributary publish` (SIGKILL) at every system call that changes files.
// This tests what readers see at any time. It does not test fsync, because the
// page cache outlives a process; sync_order_test does.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/deployment.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kNew = 2;
// About how many of a publisher's system calls are tested outside torture.
constexpr uint32_t kCases = 16;

class PublishKillsTest : public testing::Test {
 protected:
  // A store with version 1 alone.
  static fs::path StoreOfOne() {
    const fs::path store = MakeTestDir();
    EXPECT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 1), store).ok());
    return store;
  }

  static std::vector<std::string> PublishCommand(const fs::path& bundle,
                                                 const fs::path& store) {
    return {Program("tributary"), "publish", bundle.string(), store.string()};
  }

  // Runs a publisher of `bundle` and kills it. Returns false when it made fewer
  // calls.
  static bool Kill(const Fault& kill, const fs::path& bundle,
                   const Expected& expected) {
    const FaultyCommand publish(kill, PublishCommand(bundle, kill.under));
    const Outcome outcome = RunProgram(publish.arguments());
    SCOPED_TRACE(
        fmt::format("{} {}: {}", kill.action, kill.at, publish.where()));
    EXPECT_EQ(outcome.exit_status, publish.hit() ? -1 : 0) << outcome.output;
    ExpectWhole(kill.under, expected);
    if (publish.hit()) CountFault("kills of publish");
    return publish.hit();
  }

  // For each call of these classes, in a copy of the store: kills `times`
  // publishers of `bundle` at that call, then lets one finish.
  void KillEverywhere(const fs::path& store, const fs::path& bundle,
                      std::string_view classes = kChanges, int times = 1) {
    const fs::path copy = MakeTestDir() / "store";
    const auto versions = ListVersions(store);
    ASSERT_TRUE(versions.ok()) << versions.status();
    const Expected expected{{versions->begin(), versions->end()},
                            {*ReadCurrent(store), kNew}};
    const uint32_t calls = CountCalls(store, bundle, classes);
    ASSERT_GT(calls, 20);
    const uint32_t every = std::max(1u, calls / kCases);
    for (const char* action : {"kill_before", "kill_after"}) {
      for (const uint32_t at : ChooseCases(calls, every, turn_++)) {
        LinkTree(store, copy);
        for (int i = 0; i < times; ++i) {
          Kill({.under = copy, .calls = classes, .at = at, .action = action},
               bundle, expected);
        }
        ExpectGoal(bundle, copy, expected);
        if (HasFailure()) FAIL() << action << " " << at << " of " << calls;
        fs::remove_all(copy);
      }
    }
    // The copies share their files with the store: none was written to.
    ExpectWhole(store, expected);
  }

  static uint32_t CountCalls(const fs::path& store, const fs::path& bundle,
                             std::string_view classes) {
    const fs::path copy = MakeTestDir() / "store";
    LinkTree(store, copy);
    const FaultyCommand publish({.under = copy, .calls = classes},
                                PublishCommand(bundle, copy));
    EXPECT_EQ(RunProgram(publish.arguments()).exit_status, 0);
    return publish.calls();
  }

  static void ExpectGoal(const fs::path& bundle, const fs::path& store,
                         Expected expected) {
    const Outcome outcome = RunProgram(PublishCommand(bundle, store));
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    expected.versions.insert(kNew);
    expected.current = {kNew};
    ExpectWhole(store, expected);
    EXPECT_EQ(ReadFile(bundle / "manifest.json"),
              ReadFile(VersionPath(store, kNew) / "manifest.json"));
    ExpectNothingBeside(store);
  }

 private:
  uint32_t turn_ = 0;
};

TEST_F(PublishKillsTest, OfTheFirstVersionLeaveNothingOrAllOfIt) {
  KillEverywhere(MakeTestDir(), WriteTinyBundle(MakeTestDir(), kNew));
}

TEST_F(PublishKillsTest, OfTheNextVersionLeaveTheOldOneOrBoth) {
  KillEverywhere(StoreOfOne(), WriteTinyBundle(MakeTestDir(), kNew));
}

TEST_F(PublishKillsTest, OneAfterAnotherDoNotAddUp) {
  KillEverywhere(StoreOfOne(), WriteTinyBundle(MakeTestDir(), kNew), kAllCalls,
                 3);
}

TEST_F(PublishKillsTest, OfABuiltVersionLeaveTheOldOneOrBoth) {
  Deployment deployment;
  deployment.Build(kNew);
  KillEverywhere(StoreOfOne(), deployment.built() / fmt::format("{}", kNew));
}

}  // namespace
}  // namespace tributary
