// Kills tributary-server (SIGKILL) at every system call on its bundle
// directory: while it starts, stages, activates and rolls back.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "tests/torture/control_plane.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 20;

class ServerKillsTest : public testing::Test {
 protected:
  // Version 1 is active, version 2 is on disk.
  void SetUp() override {
    WriteTinyBundle(template_, 1);
    WriteTinyBundle(template_, 2);
    ASSERT_TRUE(WriteCurrent(template_, 1).ok());
  }

  static std::vector<std::string> ServerCommand(const fs::path& bundles) {
    return {Program("tributary-server"),
            "--bundles",
            bundles,
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--admin",
            "off"};
  }

  // Does what an operator would do; returns false as soon as a call fails. Sets
  // *labelled once version 2 has its label.
  static bool StageActivateRollBack(const fs::path& bundles, bool* labelled) {
    ControlPlane control(bundles);
    if (!control.Stage(2).ok()) return false;
    *labelled = control.SetLabel("canary", 2, .25).ok();
    return control.Activate(2).ok() && control.Rollback().ok();
  }

  // Runs a server and kills it at the call, if it makes that many. Returns
  // whether version 2 had a label.
  static bool Kill(const fs::path& bundles, const Fault& kill,
                   uint32_t* calls) {
    const FaultyCommand command(kill, ServerCommand(bundles));
    Process server(command.arguments());
    bool labelled = false;
    const bool done = server.WaitFor("event=listening") &&
                      StageActivateRollBack(bundles, &labelled);
    if (calls != nullptr) *calls = command.calls();
    EXPECT_NE(done, command.hit()) << server.Output();
    if (!done) {
      EXPECT_EQ(server.Wait(), -1);
      CountFault("kills of the server");
    }
    server.Signal(SIGKILL);
    server.Wait();
    ExpectWhole(bundles, {{1, 2}, {1, 2}});
    return labelled;
  }

  // Expects a server to start with the version in CURRENT and to obey.
  static void ExpectGoal(const fs::path& bundles, bool labelled) {
    const uint64_t current = *ReadCurrent(bundles);
    Process server(ServerCommand(bundles));
    ASSERT_TRUE(server.WaitFor("event=listening")) << server.Output();
    ControlPlane control(bundles);
    const auto status = control.GetStatus();
    EXPECT_EQ(status->active_version(), current) << server.Output();
    EXPECT_GE(status->labels_size(), labelled ? 1 : 0) << server.Output();
    for (const v1::Label& label : status->labels()) {
      if (label.name() == "stable") continue;
      EXPECT_EQ(label.name(), "canary");
      EXPECT_EQ(label.version(), 2);
      EXPECT_EQ(label.share(), .25);
    }
    EXPECT_TRUE(control.Stage(2).ok());
    EXPECT_TRUE(control.Activate(2).ok());
    EXPECT_EQ(control.GetStatus()->active_version(), 2);
    ExpectWhole(bundles, {{1, 2}, {2}});
  }

  const fs::path template_ = MakeTestDir();
};

TEST_F(ServerKillsTest, AnywhereLeaveTheOldOrTheNewVersionActive) {
  const fs::path bundles = MakeTestDir() / "bundles";
  uint32_t calls = 0;
  LinkTree(template_, bundles);
  Kill(bundles, {.under = bundles, .calls = kAllCalls}, &calls);
  fs::remove_all(bundles);
  ASSERT_GT(calls, 100);
  uint32_t turn = 0;
  for (const char* action : {"kill_before", "kill_after"}) {
    for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} {} of {}", action, at, calls));
      LinkTree(template_, bundles);
      const bool labelled = Kill(
          bundles,
          {.under = bundles, .calls = kAllCalls, .at = at, .action = action},
          nullptr);
      ASSERT_NO_FATAL_FAILURE(ExpectGoal(bundles, labelled));
      ASSERT_FALSE(HasFailure());
      fs::remove_all(bundles);
    }
  }
}

}  // namespace
}  // namespace tributary
