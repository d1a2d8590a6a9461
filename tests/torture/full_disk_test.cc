// Runs programs on a file system that is really full: a tmpfs, mounted in a
// namespace of the test's own, with room for n more pages, for every n up to
// the number that is needed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/process.h"
#include "tests/torture/control_plane.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kPlenty = 64 << 20;
// The environment variable that is set inside the namespace, where a tmpfs can
// be mounted.
constexpr char kInNamespace[] = "TRIBUTARY_IN_NAMESPACE";
// Outside torture, only every kEvery-th size is tested.
constexpr uint32_t kEvery = 6;

class FullDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv(kInNamespace) == nullptr) {
      GTEST_SKIP() << "needs `unshare -Urm`, to mount a tmpfs";
    }
    fs::create_directories(disk_);
    ASSERT_EQ(::mount("tmpfs", disk_.c_str(), "tmpfs", 0, ""), 0)
        << strerror(errno);
    Resize(kPlenty);
  }

  void TearDown() override { ::umount2(disk_.c_str(), MNT_DETACH); }

  void Resize(uint64_t bytes) const {
    const std::string size = fmt::format("size={}", bytes);
    ASSERT_EQ(
        ::mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT, size.c_str()), 0)
        << strerror(errno);
  }

  uint64_t UsedBytes() const {
    struct statvfs info;
    EXPECT_EQ(::statvfs(disk_.c_str(), &info), 0);
    return (info.f_blocks - info.f_bfree) * info.f_frsize;
  }

  void LeaveRoomFor(uint64_t pages) const {
    Resize(UsedBytes() + pages * kPage);
  }

  const fs::path disk_ = MakeTestDir() / "disk";
  // A directory on another file system.
  const fs::path elsewhere_ = MakeTestDir();
};

TEST_F(FullDiskTest, FailsAPublisherAndLeavesTheStoreWhole) {
  const fs::path bundle = WriteTinyBundle(elsewhere_, 2);
  const fs::path store = disk_ / "store";
  const std::vector<std::string> command = {Program("tributary"), "publish",
                                            bundle, store};
  bool failed = true;
  for (uint64_t pages = 0; failed; pages += IsTorture() ? 1 : kEvery) {
    SCOPED_TRACE(fmt::format("{} pages", pages));
    Resize(kPlenty);
    ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 1), store).ok());
    LeaveRoomFor(pages);
    const Outcome outcome = RunProgram(command);
    failed = outcome.exit_status != 0;
    if (failed) {
      EXPECT_NE(outcome.output.find(store.string()), std::string::npos);
      EXPECT_NE(outcome.output.find("RESOURCE_EXHAUSTED"), std::string::npos)
          << outcome.output;
      ExpectWhole(store, {{1}, {1}});
      CountFault("publications to a full tmpfs");
    }
    Resize(kPlenty);
    EXPECT_EQ(RunProgram(command).exit_status, 0);
    ExpectWhole(store, {{1, 2}, {2}});
    ExpectNothingBeside(store);
    ASSERT_FALSE(HasFailure());
    fs::remove_all(store);
  }
}

TEST_F(FullDiskTest, KeepsTheLoaderWaitingUntilThereIsRoom) {
  const fs::path bundles = disk_ / "bundles";
  const fs::path store = elsewhere_ / "store";
  fs::create_directories(bundles);
  ASSERT_TRUE(PublishTo(WriteTinyBundle(elsewhere_, 1), store).ok());
  Process server({Program("tributary-server"), "--bundles", bundles, "--listen",
                  "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off"});
  ASSERT_TRUE(server.WaitFor("event=listening")) << server.Output();
  Process loader({Program("tributary-loader"), "--store", store, "--bundles",
                  bundles, "--poll-interval-ms", "2"});
  ControlPlane control(bundles);
  const auto active = [&] {
    const auto status = control.GetStatus();
    return status ? status->active_version() : 0;
  };
  ASSERT_TRUE(WaitUntil([&] { return active() == 1; })) << loader.Output();
  uint64_t version = 2;
  for (uint64_t pages = 0; pages < 40; pages += IsTorture() ? 1 : 8) {
    SCOPED_TRACE(fmt::format("{} pages", pages));
    LeaveRoomFor(pages);
    const size_t said = loader.Output().size();
    ASSERT_TRUE(PublishTo(WriteTinyBundle(elsewhere_, version), store).ok());
    // Either there is room, or the loader reports that there is none.
    EXPECT_TRUE(WaitUntil([&] {
      return active() == version ||
             loader.Output().find("No space left", said) != std::string::npos;
    })) << loader.Output();
    if (active() == version - 1) CountFault("fetches to a full tmpfs");
    Resize(kPlenty);
    EXPECT_TRUE(WaitUntil([&] { return active() == version; }))
        << loader.Output();
    ExpectWhole(bundles, {{version - 1, version}, {version}});
    ASSERT_FALSE(HasFailure());
    ++version;
  }
  loader.Signal(SIGTERM);
  EXPECT_EQ(loader.Wait(), 0);
  EXPECT_EQ(loader.Output().find("event=refused"), std::string::npos);
}

TEST_F(FullDiskTest, LeavesTheOldItemSetWhereTheNewOneHasNoRoom) {
  const fs::path bundles = disk_ / "bundles";
  fs::create_directories(bundles);
  ASSERT_TRUE(PublishTo(WriteTinyBundle(elsewhere_, 1), bundles).ok());
  Process server({Program("tributary-server"), "--bundles", bundles, "--listen",
                  "127.0.0.1:0", "--http", "off", "--admin", "off"});
  ASSERT_TRUE(server.WaitFor("event=listening")) << server.Output();
  const auto put = [&](uint64_t keys) {
    std::string lines;
    for (uint64_t key = 0; key < keys; ++key) lines += fmt::format("{}\n", key);
    OverwriteFile(elsewhere_ / "keys", lines);
    return RunProgram({Program("tributary"), "control", "put-set", "s",
                       elsewhere_ / "keys", "--control",
                       "unix:" + (bundles / "control.sock").string()});
  };
  ControlPlane control(bundles);
  const auto items = [&] {
    const auto status = control.GetStatus();
    return status && status->item_sets_size() == 1
               ? status->item_sets(0).items()
               : 0;
  };
  ASSERT_EQ(put(100).exit_status, 0);
  // 8 000 bytes, and then the name of the new file.
  constexpr uint64_t kKeys = 1000;
  bool failed = true;
  int failures = 0;
  for (uint64_t pages = 0; failed; ++pages) {
    SCOPED_TRACE(fmt::format("{} pages", pages));
    LeaveRoomFor(pages);
    const Outcome outcome = put(kKeys);
    failed = outcome.exit_status != 0;
    if (!failed) break;
    ++failures;
    EXPECT_NE(outcome.output.find("RESOURCE_EXHAUSTED"), std::string::npos)
        << outcome.output;
    EXPECT_EQ(items(), 100);
    CountFault("item sets put to a full tmpfs");
  }
  EXPECT_GT(failures, 0);
  EXPECT_EQ(items(), kKeys);
  EXPECT_FALSE(fs::exists(bundles / "item-sets" / ".s.new"));
}

// Restarts this program in a new namespace, if that is permitted.
void EnterNamespace(char** argv) {
  if (std::getenv(kInNamespace) != nullptr ||
      std::system("unshare -Urm true 2>/dev/null") != 0) {
    return;
  }
  ::setenv(kInNamespace, "1", 1);
  std::string unshare = "unshare";
  std::string flags = "-Urm";
  std::vector<char*> arguments = {unshare.data(), flags.data(), argv[0]};
  for (char** word = argv + 1; *word != nullptr; ++word) {
    arguments.push_back(*word);
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  tributary::EnterNamespace(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
