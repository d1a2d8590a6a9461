// `tributary change STORE --from` with a real broker: every message is written
// once, in its order, whatever is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "tests/cli/brokers/message_brokers.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Kind {
  std::string name;
  std::function<std::unique_ptr<MessageBroker>(std::string* why)> start;
};

std::string Json(const std::string& item) {
  return fmt::format("{{\"item\":\"{}\",\"event\":{{\"user\":\"u\"}}}}", item);
}

class BrokerReadersTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    std::string why;
    // Kafka takes seconds to start.
    static std::map<std::string, std::unique_ptr<MessageBroker>>* const
        brokers = new std::map<std::string, std::unique_ptr<MessageBroker>>;
    auto& broker = (*brokers)[GetParam().name];
    if (broker == nullptr) broker = GetParam().start(&why);
    if (broker == nullptr) GTEST_SKIP() << why;
    broker_ = broker.get();
  }
  std::vector<std::string> Command(
      const std::vector<std::string>& flags) const {
    std::vector<std::string> command = {Program("tributary"), "change", store_,
                                        "--from", broker_->Address(topic_)};
    command.insert(command.end(), flags.begin(), flags.end());
    return command;
  }
  Outcome Drain(std::vector<std::string> flags = {}) const {
    flags.emplace_back("--drain");
    return RunProgram(Command(flags));
  }
  // The items of the log, in the order of changes.
  std::vector<std::string> Items() const {
    std::vector<std::string> items;
    const auto head = ReadChangeHead(store_ / kChangesName);
    EXPECT_TRUE(head.ok()) << head.status();
    ChangePosition position;
    const absl::Status read = ReadChanges(
        *head, store_ / kChangesName, &position,
        [&](const v1::Change& change, std::string_view, const absl::Status&) {
          items.push_back(change.item());
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return items;
  }
  // Adds messages for n new items.
  void Add(int n) {
    std::vector<std::string> messages;
    for (int i = 0; i < n; ++i) {
      added_.push_back(fmt::format("i{}", added_.size()));
      messages.push_back(Json(added_.back()));
    }
    broker_->Add(topic_, messages);
  }

  MessageBroker* broker_ = nullptr;
  const fs::path store_ = MakeTestDir();
  const std::string topic_ = "changes-" + store_.filename().string();
  std::vector<std::string> added_;
};

TEST_P(BrokerReadersTest, WriteWhatComesInBatches) {
  Add(2500);
  const Outcome outcome = Drain();
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_EQ(outcome.output,
            "written: 2500; passed over: 0; written before: 0\n");
  EXPECT_EQ(Items(), added_);
  // What was committed does not come again.
  Add(3);
  EXPECT_EQ(Drain().output, "written: 3; passed over: 0; written before: 0\n");
  EXPECT_EQ(Items(), added_);
}

TEST_P(BrokerReadersTest, PassOverWhatIsNoChangeOrEndThere) {
  Add(2);
  broker_->Add(topic_, {"poison", "{\"item\":\"x\"}",
                        "{\"item\":\"x\",\"remove\":{},\"number\":4}"});
  Add(1);
  const Outcome strict = Drain({"--strict"});
  EXPECT_EQ(strict.exit_status, 1);
  EXPECT_THAT(strict.output,
              AllOf(HasSubstr("error: message "), HasSubstr("not a change")));
  EXPECT_EQ(Items().size(), 2U);
  const Outcome outcome = Drain();
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("passed over: message "),
                    HasSubstr("the change.what: not set"),
                    HasSubstr("number and atMs are the log's to set"),
                    HasSubstr("\nwritten: 1; passed over: 3;")));
  EXPECT_EQ(Items(), added_);
}

TEST_P(BrokerReadersTest, OneReadsAtATimeAndOthersMayWrite) {
  const Process reader(Command({}));
  Add(10);
  ASSERT_TRUE(WaitUntil([&] { return Items().size() == 10; }));
  const Outcome second = Drain();
  EXPECT_EQ(second.exit_status, 1);
  EXPECT_THAT(second.output,
              HasSubstr("another process reads it into this store"));
  std::unique_ptr<ChangeLog> log;
  ASSERT_TRUE(WaitUntil([&] {
    auto opened = ChangeLog::Open(store_ / kChangesName);
    if (opened.ok()) log = *std::move(opened);
    return opened.ok();
  }));
  v1::Change change;
  change.set_item("by hand");
  change.mutable_remove();
  ASSERT_TRUE(log->Append({change}).ok());
}

TEST_P(BrokerReadersTest, ASignalEndsIt) {
  Process reader(Command({}));
  Add(10);
  ASSERT_TRUE(WaitUntil([&] { return Items().size() == 10; }));
  reader.Signal(SIGTERM);  // Perhaps before the commit, which it makes.
  EXPECT_EQ(reader.Wait(), 0);
  EXPECT_THAT(reader.Output(), HasSubstr("written: 10;"));
  Add(1);
  EXPECT_EQ(Drain().output, "written: 1; passed over: 0; written before: 0\n");
}

TEST_P(BrokerReadersTest, ABrokerThatIsAwayIsNamedAndWaitedFor) {
  Process reader(Command({}));
  Add(10);
  ASSERT_TRUE(WaitUntil([&] { return Items().size() == 10; }));
  broker_->Restart();
  Add(10);
  ASSERT_TRUE(WaitUntil([&] { return Items().size() >= 20; }));
  EXPECT_EQ(Items(), added_);
  EXPECT_THAT(reader.Output(), HasSubstr("; trying again\n"));
}

// At random moments. tests/torture/broker_kills_test.cc does so at every system
// call.
TEST_P(BrokerReadersTest, KillsNeitherLoseNorRepeat) {
  std::mt19937 random(1);
  for (int round = 0; round < 6; ++round) {
    Process reader(Command({}));
    for (int i = 0; i < 4; ++i) Add(1 + static_cast<int>(random() % 200));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
    reader.Signal(SIGKILL);
    reader.Wait();
  }
  const Outcome outcome = Drain();
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_EQ(Items(), added_);
}

INSTANTIATE_TEST_SUITE_P(Brokers, BrokerReadersTest,
                         testing::Values(Kind{"Redis", StartRedis},
                                         Kind{"Kafka", StartKafka}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace tributary
