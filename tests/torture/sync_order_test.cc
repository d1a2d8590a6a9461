// Tests what a crash of the machine would leave behind, which killing a process
// cannot show. A program's system calls are compared with a model of what is
// certainly on disk: a name that readers look for must not appear before
// everything under it is synced, and in the end the name itself must be synced.
// After "All File Systems Are Not Created Equal" (Pillai et al., OSDI 2014),
// which found that most programs lack such orders.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/key_table.h"
#include "index/bundle/version_directory.h"
#include "index/changes/read_changes.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/torture/followed_store.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Models which files' contents and which directories' entries are not yet
// synced.
class Disk {
 public:
  // Applies a line of a fault log.
  void Apply(const std::string& line) {
    std::istringstream words(line);
    std::string function;
    std::string path;
    std::string other;
    words >> function >> path >> other;
    if (function == "fsync" || function == "fdatasync") {
      dirty_.erase(path);
      std::erase_if(pending_, [&](const std::string& name) {
        return Parent(name) == path;
      });
    } else if (function.starts_with("rename")) {
      Rename(path, other);
    } else if (function.starts_with("unlink") || function == "remove" ||
               function == "rmdir") {
      dirty_.erase(path);
    } else if (function.starts_with("link") || function == "mkdir") {
      dirty_.insert(Parent(path));
    } else if (function.find("open") != std::string::npos) {
      dirty_.insert(path);
      dirty_.insert(Parent(path));
    } else if (function != "bind") {
      dirty_.insert(path);
    }
  }

  // Names for readers that appeared.
  const std::set<std::string>& visible() const { return visible_; }
  // Unsynced files and directories at or under the path.
  std::set<std::string> DirtyAt(const std::string& path) const {
    std::set<std::string> found;
    for (const std::string& dirty : dirty_) {
      if (dirty == path || dirty.starts_with(path + "/")) found.insert(dirty);
    }
    return found;
  }
  // Visible names that are not synced: a crash may undo them.
  const std::set<std::string>& pending() const { return pending_; }

 private:
  static std::string Parent(const std::string& path) {
    return fs::path(path).parent_path();
  }

  static bool IsReadersName(const std::string& path) {
    const std::string name = fs::path(path).filename();
    uint64_t version = 0;
    // Readers do not look for versions in hidden directories.
    return (ParseDecimalKey(name, &version) &&
            path.find("/.") == std::string::npos) ||
           name == "CURRENT" || name == "SERVING" || name == "HEAD" ||
           name.ends_with(".segment") || name.ends_with(".snapshot");
  }

  void Rename(const std::string& from, const std::string& to) {
    const std::set<std::string> moved = DirtyAt(from);
    if (IsReadersName(to)) {
      visible_.insert(to);
      pending_.insert(to);
      EXPECT_TRUE(moved.empty())
          << to << " is visible before it is synced: " << *moved.begin();
    }
    for (const std::string& path : moved) {
      dirty_.erase(path);
      dirty_.insert(to + path.substr(from.size()));
    }
    dirty_.insert(Parent(from));
    dirty_.insert(Parent(to));
  }

  std::set<std::string> dirty_;
  std::set<std::string> visible_;
  std::set<std::string> pending_;
};

// Applies a program's log. Expects `names` to be visible and synced.
void ExpectSynced(const fs::path& log, const std::set<std::string>& names) {
  Disk disk;
  std::istringstream lines(ReadFile(log));
  for (std::string line; std::getline(lines, line);) disk.Apply(line);
  for (const std::string& name : names) {
    EXPECT_TRUE(disk.visible().contains(name)) << name;
  }
  EXPECT_TRUE(disk.pending().empty())
      << "the name " << *disk.pending().begin() << " is not synced";
}

class SyncOrderTest : public FollowedStoreTest {
 protected:
  fs::path log_ = MakeTestDir() / "log";
};

TEST_F(SyncOrderTest, OfPublish) {
  const fs::path store = MakeTestDir();
  const FaultyCommand publish({.under = store, .log = log_},
                              {Program("tributary"), "publish",
                               WriteTinyBundle(MakeTestDir(), 7), store});
  ASSERT_EQ(RunProgram(publish.arguments()).exit_status, 0);
  ExpectSynced(log_, {store / "7", store / "CURRENT"});
}

TEST_F(SyncOrderTest, OfChange) {
  const fs::path store = MakeTestDir();
  const FaultyCommand change(
      {.under = store, .log = log_},
      {Program("tributary"), "change", store, "--remove", "a"});
  ASSERT_EQ(RunProgram(change.arguments()).exit_status, 0);
  const fs::path folder = store / kChangesName;
  const auto head = ReadChangeHead(folder);
  ASSERT_TRUE(head.ok()) << head.status();
  ExpectSynced(
      log_, {folder / head->segments.at(0).Name(), folder / kChangeHeadName});
}

TEST_F(SyncOrderTest, OfASnapshotOfChanges) {
  const fs::path store = MakeTestDir();
  ASSERT_EQ(RunProgram({Program("tributary"), "change", store, "--remove", "a"})
                .exit_status,
            0);
  const FaultyCommand change(
      {.under = store, .log = log_},
      {Program("tributary"), "change", store, "--compact"});
  ASSERT_EQ(RunProgram(change.arguments()).exit_status, 0);
  const fs::path folder = store / kChangesName;
  const auto head = ReadChangeHead(folder);
  ASSERT_TRUE(head.ok()) << head.status();
  ExpectSynced(log_, {folder / head->snapshot.parts.at(0).Name(1),
                      folder / kChangeHeadName});
}

TEST_F(SyncOrderTest, OfBuild) {
  deployment_.Build(7);
  const fs::path built = MakeTestDir();
  const FaultyCommand build(
      {.under = built, .log = log_},
      {Program("tributary"), "build", "--data",
       fmt::format("csv:{}", (root() / "data-7").string()), "--out", built,
       "--version", "7", "--als.dim", "8", "--behavior.history.dim", "8",
       "--behavior.history.epochs", "1"});
  const Outcome outcome = RunProgram(build.arguments());
  ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  ExpectSynced(log_, {built / "7"});
}

TEST_F(SyncOrderTest, OfTheLoader) {
  PublishNext();
  const FaultyCommand command({.under = bundles(), .log = log_},
                              LoaderCommand());
  Process loader(command.arguments());
  ASSERT_TRUE(WaitUntil([&] { return Reached(newest_); })) << loader.Output();
  loader.Signal(SIGTERM);
  loader.Wait();
  ExpectSynced(log_, {VersionPath(bundles(), newest_)});
}

TEST_F(SyncOrderTest, OfTheServer) {
  const fs::path bundles = MakeTestDir();
  for (const uint64_t version : {1, 2}) WriteTinyBundle(bundles, version);
  const FaultyCommand command(
      {.under = bundles, .log = log_},
      {Program("tributary-server"), "--bundles", bundles, "--listen",
       "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off"});
  Process server(command.arguments());
  ASSERT_TRUE(server.WaitFor("event=listening")) << server.Output();
  ControlPlane control(bundles);
  EXPECT_TRUE(control.Stage(1).ok());
  EXPECT_TRUE(control.Activate(1).ok());
  EXPECT_TRUE(control.SetLabel("canary", 2, .1).ok());
  ExpectSynced(log_, {bundles / "CURRENT", bundles / "SERVING"});
}

}  // namespace
}  // namespace tributary
