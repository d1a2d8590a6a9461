// What operators rely on: an item that was taken down, by a change that was
// acknowledged, is in no answer to a request that is sent later, whatever is
// killed, swapped or rolled back meanwhile; and one that was restored is back.
// The real programs run: a server, a loader, and writers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle_writer.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/deployment.h"
#include "tests/integration/torture.h"
#include "tests/torture/item_ledger.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr uint32_t kItems = 200;
constexpr uint32_t kUsers = 20;
constexpr uint32_t kDim = 8;
constexpr milliseconds kDelay(3000);
constexpr char kFakeTime[] =
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

std::string KeyOf(uint32_t item) { return fmt::format("i{:03}", item); }

// Every version has the same items, and orders them in its own way.
fs::path WriteVersion(const fs::path& root, uint64_t version) {
  std::mt19937 random(static_cast<uint32_t>(version));
  std::normal_distribution<float> normal;
  auto writer = BundleWriter::Create(root, version);
  EXPECT_TRUE(writer.ok()) << writer.status();
  KeyList items{v1::UTF8, {}, {}};
  KeyList users{v1::UINT64, {}, {}};
  std::vector<Row> order;
  std::vector<float> scores;
  for (uint32_t item = 0; item < kItems; ++item) {
    items.strings.push_back(KeyOf(item));
    order.push_back(item);
    scores.push_back(1 / static_cast<float>(item + 1));
  }
  for (uint32_t user = 0; user < kUsers; ++user) users.ids.push_back(user);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<float> item_vectors(size_t{kItems} * kDim);
  std::vector<float> user_vectors(size_t{kUsers} * kDim);
  for (float& x : item_vectors) x = normal(random);
  for (float& x : user_vectors) x = normal(random);
  EXPECT_TRUE(writer->AddKeys("items", items).ok());
  EXPECT_TRUE(writer->AddKeys("users", users).ok());
  EXPECT_TRUE(
      writer->AddArray<float>("taste.items.npy", item_vectors, kDim).ok());
  EXPECT_TRUE(
      writer->AddArray<float>("taste.users.npy", user_vectors, kDim).ok());
  EXPECT_TRUE(writer->AddArray<Row>("popularity.all.npy", order).ok());
  EXPECT_TRUE(
      writer->AddArray<float>("popularity.all.scores.npy", scores).ok());
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(v1::UTF8);
  manifest.mutable_items()->set_count(kItems);
  manifest.mutable_users()->set_kind(v1::UINT64);
  manifest.mutable_users()->set_count(kUsers);
  v1::EmbeddingSpace* const space = manifest.add_spaces();
  space->set_name("taste");
  space->set_dim(kDim);
  space->set_metric(v1::INNER_PRODUCT);
  space->set_fingerprint("f00d");
  space->set_item_vectors(kItems);
  space->set_user_vectors(kUsers);
  space->mutable_index()->set_kind("flat");
  v1::PopularityList* const list = manifest.add_popularity();
  list->set_name("all");
  list->set_count(kItems);
  v1::RetrieverSpec* const taste = manifest.add_retrievers();
  taste->set_name("taste");
  taste->set_kind("vector");
  taste->set_space("taste");
  v1::RetrieverSpec* const popularity = manifest.add_retrievers();
  popularity->set_name("popularity");
  popularity->set_kind("popularity");
  popularity->add_lists("all");
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  return dir.value_or(fs::path());
}

class RemovalGuaranteeTest : public testing::Test {
 protected:
  void SetUp() override {
    Publish(1);
    deployment_.StartServer();
    deployment_.StartLoader();
    ASSERT_TRUE(deployment_.WaitForVersion(1));
    client_ = Connect();
  }

  std::unique_ptr<RetrievalClient> Connect() {
    auto client =
        RetrievalClient::Connect(deployment_.grpc(), {.deadline_ms = 10'000});
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  void Publish(uint64_t version) {
    const fs::path dir = WriteVersion(deployment_.built(), version);
    const absl::Status published = PublishTo(dir, deployment_.store());
    ASSERT_TRUE(published.ok()) << published;
    fs::remove_all(dir);
  }
  void RollBack() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    v1::BundleStatus status;
    // There may be nothing to roll back to.
    deployment_.control().Rollback(&context, {}, &status);
  }
  std::vector<std::string> Command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {Program("tributary"), "change",
                                         deployment_.store().string()});
    return arguments;
  }
  // Writes in this process. False: another one writes at the moment.
  bool Write(uint32_t item, bool down) const {
    const auto log = ChangeLog::Open(deployment_.store() / kChangesName);
    if (absl::IsUnavailable(log.status())) return false;
    EXPECT_TRUE(log.ok()) << log.status();
    if (!log.ok()) return false;
    v1::Change change;
    change.set_item(KeyOf(item));
    if (down) {
      change.mutable_remove();
    } else {
      change.mutable_restore();
    }
    const absl::Status appended = (*log)->Append({change});
    EXPECT_TRUE(appended.ok()) << appended;
    return appended.ok();
  }
  // Asks once, judges the answer, and returns whether there was one.
  bool Ask(RetrievalClient& client, std::mt19937& random) {
    constexpr uint32_t kSizes[] = {5, 50, kItems};
    v1::RetrieveRequest request;
    request.set_k(kSizes[random() % 3]);
    if (random() % 2 == 0) request.set_user_id(random() % kUsers);
    const auto sent = steady_clock::now();
    const auto response = client.Retrieve(request);
    if (!response.ok()) return false;
    std::vector<bool> has(kItems, false);
    for (const std::string& key : response->item_keys()) {
      has[static_cast<size_t>(std::stoi(key.substr(1)))] = true;
    }
    const std::string wrong = ledger_.Judge(sent, has, request.k() == kItems);
    EXPECT_EQ(wrong, "") << "version " << response->bundle_version();
    return true;
  }
  std::vector<std::string> AllItems() {
    v1::RetrieveRequest request;
    request.set_k(kItems);
    const auto response = client_->Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    std::vector<std::string> keys(response->item_keys().begin(),
                                  response->item_keys().end());
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  uint64_t Through() { return deployment_.Status().changes().through(); }
  uint64_t Written() const {
    const auto head = ReadChangeHead(deployment_.store() / kChangesName);
    EXPECT_TRUE(head.ok()) << head.status();
    return head.ok() ? head->through : 0;
  }
  bool CatchesUp() {
    return WaitUntil([&] { return Through() == Written(); });
  }

  ItemLedger ledger_{kItems, kDelay};
  Deployment deployment_;
  std::unique_ptr<RetrievalClient> client_;
};

// Takes random items down and restores them, in this process and as a program
// that is killed at times, or that has a wrong clock.
class Writers {
 public:
  Writers(
      std::function<bool(uint32_t item, bool down)> write,
      std::function<std::vector<std::string>(std::vector<std::string>)> command,
      ItemLedger* ledger, Mutex* store)
      : write_(std::move(write)),
        command_(std::move(command)),
        ledger_(*ledger),
        store_(*store),
        thread_([this] { Run(); }) {}
  // Ends the thread; acknowledged changes of every item are known then.
  void Stop() {
    stop_ = true;
    thread_.join();
    const MutexLock lock(&store_);
    for (uint32_t item = 0; item < kItems; ++item) {
      if (!ledger_.IsDown(item).has_value()) Change(item, false);
    }
  }
  int kills() const { return kills_; }
  int refused() const { return refused_; }

 private:
  void Run() {
    for (int turn = 0; !stop_; ++turn) {
      const auto item = static_cast<uint32_t>(random_() % kItems);
      const bool down = !ledger_.IsDown(item).value_or(random_() % 2 == 0);
      {
        const MutexLock lock(&store_);
        switch (turn % 16) {
          case 3:
            Kill(item, down);
            break;
          case 7:
            Race(item, down);
            break;
          case 11:
            Misdate(item, down);
            break;
          default:
            Change(item, down);
        }
      }
      std::this_thread::sleep_for(milliseconds(random_() % 60));
    }
  }
  void Change(uint32_t item, bool down) {
    ledger_.WillChange(item);
    while (!write_(item, down)) {
      ++refused_;
      std::this_thread::sleep_for(milliseconds(1));
    }
    ledger_.Acknowledged(item, down);
  }
  std::vector<std::string> Flags(uint32_t item, bool down) const {
    return command_({down ? "--remove" : "--restore", KeyOf(item)});
  }
  void Kill(uint32_t item, bool down) {
    ledger_.WillChange(item);
    Process writer(Flags(item, down));
    std::this_thread::sleep_for(milliseconds(random_() % 40));
    writer.Signal(SIGKILL);
    if (writer.Wait() == 0) ledger_.Acknowledged(item, down);
    ++kills_;
  }
  // Two at a time: each is written, or says that it was not.
  void Race(uint32_t item, bool down) {
    const uint32_t other = (item + 1) % kItems;
    ledger_.WillChange(item);
    ledger_.WillChange(other);
    Process first(Flags(item, down));
    Process second(Flags(other, down));
    for (const auto& [writer, which] :
         {std::pair(&first, item), std::pair(&second, other)}) {
      if (writer->Wait() == 0) {
        ledger_.Acknowledged(which, down);
      } else {
        EXPECT_THAT(writer->Output(), HasSubstr("another process writes"));
        ++refused_;
        Change(which, down);
      }
    }
  }
  // Numbers order changes, not times.
  void Misdate(uint32_t item, bool down) {
    if (!fs::exists(kFakeTime)) return Change(item, down);
    std::vector<std::string> command = Flags(item, down);
    const int days = random_() % 2 == 0 ? 4000 : -4000;
    command.insert(command.begin(),
                   {"env", fmt::format("LD_PRELOAD={}", kFakeTime),
                    fmt::format("FAKETIME={:+}d", days)});
    ledger_.WillChange(item);
    const Outcome outcome = RunProgram(command);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    if (outcome.exit_status == 0) ledger_.Acknowledged(item, down);
  }

  const std::function<bool(uint32_t item, bool down)> write_;
  const std::function<std::vector<std::string>(std::vector<std::string>)>
      command_;
  ItemLedger& ledger_;
  Mutex& store_;
  std::mt19937 random_{3};
  std::atomic<bool> stop_{false};
  std::atomic<int> kills_{0};
  std::atomic<int> refused_{0};
  std::thread thread_;
};

TEST_F(RemovalGuaranteeTest, HoldsWhateverIsKilledSwappedOrRolledBack) {
  const uint64_t swaps = TortureCount(6, 200);
  const uint64_t enough = TortureCount(20'000, 1'000'000);
  Mutex store;
  Writers writers(
      [this](uint32_t item, bool down) { return Write(item, down); },
      [this](std::vector<std::string> flags) { return Command(flags); },
      &ledger_, &store);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> answers{0};
  std::vector<std::thread> askers;
  for (uint32_t i = 0; i < 3; ++i) {
    askers.emplace_back([&, i] {
      const auto client = Connect();
      std::mt19937 random(i);
      while (!stop) {
        if (Ask(*client, random)) ++answers;
      }
    });
  }

  std::mt19937 random(5);
  const auto pause = [&] {
    std::this_thread::sleep_for(milliseconds(random() % 400));
  };
  for (uint64_t version = 2; version <= swaps + 1; ++version) {
    SCOPED_TRACE(fmt::format("version {}", version));
    Publish(version);
    ASSERT_TRUE(deployment_.WaitForVersion(version));
    pause();
    switch (version % 4) {
      case 0:
        RollBack();
        break;
      case 1:
        ledger_.OutageBegins();
        deployment_.loader().Signal(SIGKILL);
        deployment_.loader().Wait();
        pause();
        deployment_.StartLoader();
        ASSERT_TRUE(deployment_.loader().WaitFor("event=").has_value());
        ledger_.OutageEnds();
        break;
      case 2:
        deployment_.server().Signal(SIGKILL);
        deployment_.server().Wait();
        deployment_.StartServer();
        break;
      default: {
        // The store is away for a while.
        const MutexLock lock(&store);
        const fs::path away = deployment_.store().string() + ".away";
        ledger_.OutageBegins();
        fs::rename(deployment_.store(), away);
        pause();
        fs::rename(away, deployment_.store());
        ledger_.OutageEnds();
      }
    }
    pause();
  }
  while (answers < enough || ledger_.judged_down() < 100 ||
         ledger_.judged_up() < 100) {
    std::this_thread::sleep_for(milliseconds(20));
    ASSERT_FALSE(HasFailure());
  }
  writers.Stop();
  stop = true;
  for (std::thread& asker : askers) asker.join();

  ASSERT_TRUE(CatchesUp());
  std::vector<std::string> expected;
  for (uint32_t item = 0; item < kItems; ++item) {
    if (!ledger_.IsDown(item).value()) expected.push_back(KeyOf(item));
  }
  EXPECT_EQ(AllItems(), expected);
  fmt::print(
      "{} answers, {} swaps, {} changes; {} times an item was looked for that "
      "is taken down, {} times one that is not; {} writers killed, {} refused "
      "because another wrote; an item was last in an answer {} ms after the "
      "command that took it down had returned\n",
      answers.load(), swaps, Written(), ledger_.judged_down(),
      ledger_.judged_up(), writers.kills(), writers.refused(),
      ledger_.slowest().count());
}

// A log that lacks a segment is read by nobody; what was applied holds, and
// once the segment is back, so is what came after.
TEST_F(RemovalGuaranteeTest, AGapIsRefusedAndTheServerGoesOn) {
  ASSERT_TRUE(Write(0, true));
  ASSERT_TRUE(CatchesUp());
  const fs::path folder = deployment_.store() / kChangesName;
  deployment_.StopLoader();
  ASSERT_TRUE(Write(1, true));
  ASSERT_TRUE(Write(2, true));
  const auto head = ReadChangeHead(folder);
  ASSERT_TRUE(head.ok()) << head.status();
  ASSERT_GE(head->segments.size(), 2U);
  const std::string segment = head->segments[1].Name();
  fs::rename(folder / segment, folder / "away");
  deployment_.StartLoader();
  EXPECT_TRUE(deployment_.loader().WaitFor(segment).has_value());
  EXPECT_EQ(AllItems().size(), kItems - 1);
  EXPECT_EQ(Through(), 1U);
  fs::rename(folder / "away", folder / segment);
  ASSERT_TRUE(CatchesUp());
  EXPECT_EQ(AllItems().size(), kItems - 3);
}

// No room for a byte more: nothing is acknowledged, nothing is lost.
TEST_F(RemovalGuaranteeTest, AFullDiskLeavesTheLogWhole) {
  ASSERT_TRUE(Write(0, true));
  ASSERT_TRUE(CatchesUp());
  // What it prints goes through a process that may write.
  std::string command = "(ulimit -f 0; trap '' XFSZ; exec";
  for (const std::string& part : Command({"--remove", KeyOf(1)})) {
    command += " '" + part + "'";
  }
  command += ") 2>&1 | cat; exit ${PIPESTATUS[0]}";
  const Outcome full = RunProgram({"bash", "-c", command});
  EXPECT_NE(full.exit_status, 0);
  EXPECT_THAT(full.output, HasSubstr("changes"));
  EXPECT_EQ(Written(), 1U);
  // The loader, which copies the log.
  deployment_.StopLoader();
  ASSERT_TRUE(Write(2, true));
  // Its log goes through a process that may write.
  deployment_.set_loader_command(
      {"bash", "-c",
       "exec > >(cat) 2>&1; ulimit -f 0; trap '' XFSZ; exec \"$0\" \"$@\"",
       Program("tributary-loader")});
  deployment_.StartLoader();
  EXPECT_TRUE(deployment_.loader().WaitFor("changes").has_value());
  EXPECT_EQ(AllItems().size(), kItems - 1);
  deployment_.loader().Signal(SIGKILL);
  deployment_.loader().Wait();
  deployment_.set_loader_command({Program("tributary-loader")});
  deployment_.StartLoader();
  ASSERT_TRUE(CatchesUp());
  EXPECT_EQ(AllItems().size(), kItems - 2);
}

}  // namespace
}  // namespace tributary
