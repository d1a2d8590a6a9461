// kill -9 of tributary-loader at every system call that changes something in
// the server's bundle directory, beside a server that goes on.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/publish/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/deployment.h"
#include "tests/torture/control_plane.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

// Of the calls of a loader, where it is not torture.
constexpr uint32_t kEvery = 8;

class LoaderKillsTest : public testing::Test {
 protected:
  void SetUp() override {
    deployment_.StartServer();
    control_.emplace(deployment_.bundles());
    for (const uint64_t version : {1, 2}) {
      PublishTiny(version);
      ASSERT_NO_FATAL_FAILURE(Follow(version));
    }
  }

  void PublishTiny(uint64_t version) {
    const auto bundle = WriteTinyBundle(deployment_.built(), version);
    ASSERT_TRUE(PublishTo(bundle, deployment_.store()).ok());
  }

  std::vector<std::string> LoaderCommand() const {
    return {Program("tributary-loader"),
            "--store",
            deployment_.store(),
            "--bundles",
            deployment_.bundles(),
            "--poll-interval-ms",
            "2"};
  }

  // The version is active, the one before is there, and nothing else is.
  bool Reached(uint64_t version) {
    std::set<std::string> wanted = {fmt::format("{}", version)};
    if (version > 1) wanted.insert(fmt::format("{}", version - 1));
    for (const auto& entry :
         std::filesystem::directory_iterator(deployment_.bundles())) {
      const std::string name = entry.path().filename().string();
      if (name == "CURRENT" || name == "control.sock" ||
          name.starts_with(".loader.")) {
        continue;
      }
      if (wanted.erase(name) == 0) return false;
    }
    return wanted.empty() && Active() == version;
  }

  uint64_t Active() {
    const auto status = control_->GetStatus();
    EXPECT_TRUE(status) << deployment_.server().Output();
    return status ? status->active_version() : 0;
  }

  // A loader that is not killed, until the version is reached.
  void Follow(uint64_t version) {
    Process loader(LoaderCommand());
    ASSERT_TRUE(loader.WaitFor("event=started")) << loader.Output();
    ASSERT_TRUE(WaitUntil([&] { return Reached(version); })) << loader.Output();
    loader.Signal(SIGTERM);
    EXPECT_EQ(loader.Wait(), 0) << loader.Output();
  }

  // A loader that brings `version` is killed; false when it got through.
  bool Kill(uint64_t version, uint32_t at, std::string_view action) {
    const FaultyCommand command(
        {.under = deployment_.bundles(), .at = at, .action = action},
        LoaderCommand());
    Process loader(command.arguments());
    EXPECT_TRUE(WaitUntil([&] { return command.hit() || Reached(version); }))
        << loader.Output();
    const bool killed = command.hit();
    if (killed) {
      EXPECT_EQ(loader.Wait(), -1);
      CountFault("kills of the loader");
    }
    loader.Signal(SIGKILL);
    loader.Wait();
    SCOPED_TRACE(command.where());
    ExpectWhole(deployment_.bundles(), {{version - 1}, {version - 1, version}});
    const uint64_t active = Active();
    EXPECT_TRUE(active == version || active == version - 1) << active;
    EXPECT_EQ(*ReadCurrent(deployment_.bundles()), active);
    return killed;
  }

  Deployment deployment_;
  std::optional<ControlPlane> control_;
};

TEST_F(LoaderKillsTest, AnywhereLeaveTheOldOrTheNewVersion) {
  uint64_t version = 3;
  uint32_t turn = 0;
  for (const char* action : {"kill_before", "kill_after"}) {
    const uint32_t every = IsTorture() ? 1 : kEvery;
    bool killed = true;
    for (uint32_t at = 1 + turn++; killed; at += every, ++version) {
      SCOPED_TRACE(fmt::format("{} {}", action, at));
      PublishTiny(version);
      killed = Kill(version, at, action);
      ASSERT_NO_FATAL_FAILURE(Follow(version));
      ASSERT_TRUE(RemoveVersion(deployment_.store(), version - 1).ok());
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace tributary
