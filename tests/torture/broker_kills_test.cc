// Kills a reader of a broker (SIGKILL) at every system call that changes files
// of the store, and makes every system call fail once: each message is written
// once all the same.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "tests/cli/brokers/message_brokers.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/torture/failure_kinds.h"
#include "tests/torture/fault.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Outside torture, every kBrokerEvery-th system call is tested.
constexpr uint32_t kBrokerEvery = 5;

class BrokerKillsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    broker_ = StartRedis(&why);
    if (broker_ == nullptr) GTEST_SKIP() << why;
  }

  // Runs a reader with the fault, and then one without it. Returns how many
  // calls the first one made.
  uint32_t Run(Fault fault) {
    const fs::path store = MakeTestDir() / "store";
    fs::create_directories(store);
    fault.under = store;
    const std::string stream = fmt::format("s{}", ++streams_);
    std::vector<std::string> expected;
    std::vector<std::string> messages;
    for (int i = 0; i < 5; ++i) {
      expected.push_back(fmt::format("i{}", i));
      messages.push_back(
          fmt::format("{{\"item\":\"i{}\",\"event\":{{\"user\":\"u\"}}}}", i));
    }
    broker_->Add(stream, messages);
    const std::vector<std::string> command = {
        Program("tributary"),    "change", store, "--drain", "--from",
        broker_->Address(stream)};
    const FaultyCommand reader(fault, command);
    const Outcome outcome = RunProgram(reader.arguments());
    if (outcome.exit_status != 0) {
      EXPECT_TRUE(reader.hit()) << outcome.output;
    }
    // A snapshot does not hide what was written.
    if (fault.at % 2 == 1 && fs::exists(store / kChangesName)) {
      RunProgram({Program("tributary"), "change", store, "--compact"});
    }
    const Outcome next = RunProgram(command);
    EXPECT_EQ(next.exit_status, 0) << reader.where() << ": " << next.output;
    EXPECT_EQ(Items(store), expected)
        << reader.where() << ": " << outcome.output << next.output;
    if (reader.hit()) CountFault("faults of readers of brokers");
    fs::remove_all(store);
    return reader.calls();
  }

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

  int streams_ = 0;
  std::unique_ptr<MessageBroker> broker_;
};

TEST_F(BrokerKillsTest, EachMessageIsWrittenOnce) {
  const uint32_t calls = Run({.calls = kAllCalls});
  ASSERT_GT(calls, 10U);
  uint32_t turn = 0;
  for (const char* const action : {"kill_before", "kill_after"}) {
    for (const uint32_t at : ChooseCases(calls, kBrokerEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} {} of {}", action, at, calls));
      Run({.calls = kAllCalls, .at = at, .action = action});
    }
  }
}

TEST_F(BrokerKillsTest, FailuresNeitherLoseNorRepeat) {
  uint32_t turn = 0;
  for (const FailureKind& kind : kFailureKinds) {
    const uint32_t calls = Run({.calls = kind.calls, .times = kind.times});
    for (const uint32_t at : ChooseCases(calls, kBrokerEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} at {} of {} of {}", kind.action, at, calls,
                               kind.calls));
      Run({.calls = kind.calls,
           .at = at,
           .action = kind.action,
           .times = kind.times});
    }
  }
}

}  // namespace
}  // namespace tributary
