// Kills tributary-loader (SIGKILL) at every system call on the store and on the
// server's bundle directory, while the server keeps running.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <string_view>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/torture/followed_store.h"

namespace tributary {
namespace {

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 29;

class LoaderKillsTest : public FollowedStoreTest {
 protected:
  // Runs a loader that brings newest_, and kills it or its trial, which it then
  // starts again. Returns false when they made fewer calls.
  bool Kill(uint32_t at, std::string_view action) {
    const FaultyCommand command(
        {.under = root(), .calls = kAllCalls, .at = at, .action = action},
        LoaderCommand());
    Process loader(command.arguments());
    EXPECT_TRUE(WaitUntil([&] {
      return loader.HasEnded() || Reached(newest_);
    })) << loader.Output();
    const bool killed = command.hit();
    if (killed) CountFault("kills of the loader and its trials");
    loader.Signal(SIGKILL);
    EXPECT_EQ(loader.Wait(), -1) << loader.Output();
    EXPECT_EQ(loader.Output().find("event=refused"), std::string::npos)
        << loader.Output();
    SCOPED_TRACE(command.where());
    ExpectWhole(bundles(), {{newest_ - 1}, {newest_ - 1, newest_}});
    const uint64_t active = Active();
    EXPECT_TRUE(active == newest_ || active == newest_ - 1) << active;
    EXPECT_EQ(*ReadCurrent(bundles()), active);
    return killed;
  }
};

TEST_F(LoaderKillsTest, AnywhereLeaveTheOldOrTheNewVersion) {
  uint32_t turn = 0;
  const uint32_t every = IsTorture() ? 1 : kEvery;
  for (const char* action : {"kill_before", "kill_after"}) {
    bool killed = true;
    for (uint32_t at = 1 + turn++; killed; at += every) {
      SCOPED_TRACE(fmt::format("{} {}", action, at));
      PublishNext();
      killed = Kill(at, action);
      // The next loader continues where that one was killed.
      Kill(at, action);
      ASSERT_NO_FATAL_FAILURE(Follow());
      ForgetPrevious();
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace tributary
