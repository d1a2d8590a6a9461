// Makes every system call of tributary-loader on files fail once. The loader
// must log an error that names the file, refuse no version, and reach the
// newest version without help.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "fmt/core.h"
#include "tests/torture/failure_kinds.h"
#include "tests/torture/followed_store.h"

namespace tributary {
namespace {

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 23;

class LoaderFailuresTest : public FollowedStoreTest {
 protected:
  // Whether the newest version is active and the oldest is removed.
  bool Served() {
    return Active() == newest_ &&
           !std::filesystem::exists(bundles() / fmt::format("{}", newest_ - 2));
  }

  // Runs a loader that brings the next version while a call fails. Returns
  // false when the loader needed fewer calls.
  bool Fail(const Fault& fault) {
    PublishNext();
    const FaultyCommand command(fault, LoaderCommand());
    Process loader(command.arguments());
    const bool reached = WaitUntil([&] {
      return Served() || loader.HasEnded() ||
             loader.Output().find("event=refused") != std::string::npos;
    });
    const std::string output = loader.Output();
    SCOPED_TRACE(command.where() + "\n" + output);
    EXPECT_EQ(output.find("event=refused"), std::string::npos);
    ExpectWhole(bundles(), {{newest_ - 1}, {newest_ - 1, newest_}});
    if (loader.HasEnded()) {
      EXPECT_TRUE(command.hit());
      EXPECT_EQ(loader.Wait(), 1);
      EXPECT_TRUE(command.IsNamedIn(output));
    } else {
      EXPECT_TRUE(reached);
      loader.Signal(SIGTERM);
      EXPECT_EQ(loader.Wait(), 0);
    }
    // A version that could not be removed is removed when the next loader
    // starts.
    Follow();
    ForgetPrevious();
    if (command.hit()) CountFault("failures in the loader");
    return command.hit();
  }
};

TEST_F(LoaderFailuresTest, AreReportedAndDoNotKeepItFromItsGoal) {
  uint32_t turn = 0;
  const uint32_t every = IsTorture() ? 1 : kEvery;
  for (const FailureKind& kind : kFailureKinds) {
    // full_disk_test tests a disk that stays full.
    if (kind.times == 0) continue;
    bool hit = true;
    for (uint32_t at = 1 + turn++ % every; hit; at += every) {
      SCOPED_TRACE(fmt::format("{} at {} of {}", kind.action, at, kind.calls));
      hit = Fail({.under = root(),
                  .calls = kind.calls,
                  .at = at,
                  .action = kind.action});
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace tributary
