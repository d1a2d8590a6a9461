// Kills `tributary change` (SIGKILL) at every system call that changes files,
// and makes every system call fail once: the log then has all of a batch or
// nothing, what was acknowledged is in it, and the next writer goes on.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "tests/torture/failure_kinds.h"
#include "tests/torture/fault.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 7;

v1::Change Remove(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove();
  return change;
}

class ChangeKillsTest : public testing::Test {
 protected:
  // A store whose next batch is merged with those before.
  ChangeKillsTest() {
    auto log = ChangeLog::Open(template_ / kChangesName);
    EXPECT_TRUE(log.ok()) << log.status();
    for (int i = 0; i < 7; ++i) {
      EXPECT_TRUE((*log)->Append({Remove(fmt::format("old-{}", i))}).ok());
    }
  }

  static std::vector<std::string> Command(const fs::path& store) {
    return {Program("tributary"), "change", store.string(), "--remove", "a",
            "--remove",           "b"};
  }

  // The items of a log that is whole.
  static std::vector<std::string> Items(const fs::path& store) {
    const auto head = ReadChangeHead(store / kChangesName);
    EXPECT_TRUE(head.ok()) << head.status();
    if (!head.ok()) return {};
    ChangePosition position;
    std::vector<std::string> items;
    const absl::Status read = ReadChanges(
        *head, store / kChangesName, &position,
        [&](const v1::Change& change, std::string_view, const absl::Status&) {
          items.push_back(change.item());
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return items;
  }
  static std::vector<std::string> Expected(size_t batches) {
    std::vector<std::string> items;
    for (int i = 0; i < 7; ++i) items.push_back(fmt::format("old-{}", i));
    for (size_t i = 0; i < batches; ++i) {
      items.emplace_back("a");
      items.emplace_back("b");
    }
    return items;
  }

  // Runs a writer with the fault, and then one without it. Returns how many
  // calls the first one made.
  uint32_t Run(Fault fault) {
    const fs::path store = MakeTestDir() / "store";
    fs::copy(template_, store, fs::copy_options::recursive);
    fault.under = store;
    const FaultyCommand change(fault, Command(store));
    const Outcome outcome = RunProgram(change.arguments());
    const std::vector<std::string> items = Items(store);
    const bool written = items.size() > 7;
    EXPECT_EQ(items, Expected(written ? 1 : 0)) << change.where();
    if (outcome.exit_status == 0) {
      EXPECT_TRUE(written) << change.where() << ": " << outcome.output;
    } else {
      EXPECT_TRUE(change.hit()) << outcome.output;
    }
    const Outcome next = RunProgram(Command(store));
    EXPECT_EQ(next.exit_status, 0) << change.where() << ": " << next.output;
    EXPECT_EQ(Items(store), Expected(written ? 2 : 1)) << change.where();
    if (change.hit()) CountFault("faults of change");
    fs::remove_all(store);
    return change.calls();
  }

  // Makes a snapshot with the fault: the log says the same before and after, to
  // whoever begins to read and to whoever has read a part.
  uint32_t Compact(Fault fault) {
    const fs::path store = MakeTestDir() / "store";
    fs::copy(template_, store, fs::copy_options::recursive);
    fault.under = store;
    const FaultyCommand change(
        fault, {Program("tributary"), "change", store.string(), "--compact"});
    const Outcome outcome = RunProgram(change.arguments());
    EXPECT_EQ(Items(store), Expected(0)) << change.where();
    if (outcome.exit_status == 0) {
      EXPECT_EQ(ReadChangeHead(store / kChangesName)->snapshot.through, 7U)
          << change.where();
    } else {
      EXPECT_TRUE(change.hit()) << outcome.output;
    }
    const Outcome next = RunProgram(Command(store));
    EXPECT_EQ(next.exit_status, 0) << change.where() << ": " << next.output;
    EXPECT_EQ(Items(store), Expected(1)) << change.where();
    if (change.hit()) CountFault("faults of change --compact");
    fs::remove_all(store);
    return change.calls();
  }

  const fs::path template_ = MakeTestDir();
};

TEST_F(ChangeKillsTest, LeaveAllOfABatchOrNothing) {
  const uint32_t calls = Run({.calls = kAllCalls});
  ASSERT_GT(calls, 20U);
  uint32_t turn = 0;
  for (const char* const action : {"kill_before", "kill_after"}) {
    for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} {} of {}", action, at, calls));
      Run({.calls = kAllCalls, .at = at, .action = action});
    }
  }
}

TEST_F(ChangeKillsTest, FailuresLeaveAllOfABatchOrNothing) {
  uint32_t turn = 0;
  for (const FailureKind& kind : kFailureKinds) {
    const uint32_t calls = Run({.calls = kind.calls, .times = kind.times});
    for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} at {} of {} of {}", kind.action, at, calls,
                               kind.calls));
      Run({.calls = kind.calls,
           .at = at,
           .action = kind.action,
           .times = kind.times});
    }
  }
}

TEST_F(ChangeKillsTest, ASnapshotIsThereAsAWholeOrNotAtAll) {
  const uint32_t calls = Compact({.calls = kAllCalls});
  ASSERT_GT(calls, 10U);
  uint32_t turn = 0;
  for (const char* const action : {"kill_before", "kill_after"}) {
    for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} {} of {}", action, at, calls));
      Compact({.calls = kAllCalls, .at = at, .action = action});
    }
  }
  for (const FailureKind& kind : kFailureKinds) {
    const uint32_t of_kind =
        Compact({.calls = kind.calls, .times = kind.times});
    for (const uint32_t at : ChooseCases(of_kind, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} at {} of {} of {}", kind.action, at, of_kind,
                               kind.calls));
      Compact({.calls = kind.calls,
               .at = at,
               .action = kind.action,
               .times = kind.times});
    }
  }
}

}  // namespace
}  // namespace tributary
