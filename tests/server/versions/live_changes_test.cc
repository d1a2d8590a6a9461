// Live changes, as every resident version has them.
#include "server/versions/live_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "index/changes/change_log.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

v1::Change Remove(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove()->set_reason("recalled");
  return change;
}

v1::Change Restore(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_restore();
  return change;
}

class LiveChangesTest : public BundleSetTest {
 protected:
  void Write(const std::vector<v1::Change>& changes) {
    auto log = ChangeLog::Open(folder_);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Append(changes).ok());
  }
  // The keys that are left of a version, in the order of rows.
  static std::string Left(const BundleSet& set, uint64_t version) {
    const auto bundle = set.Snapshot(version);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    if (!bundle.ok()) return "";
    const auto overlay = (*bundle)->changes().overlay();
    const auto remaining = overlay == nullptr ? nullptr : overlay->remaining;
    std::string keys;
    const KeyTable& items = (*bundle)->bundle().items();
    for (Row row = 0; row < items.size(); ++row) {
      if (remaining == nullptr || remaining->Has(row)) keys += items.text(row);
    }
    return keys;
  }
  static bool BecomesTrue(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  static bool Reaches(const BundleSet& set, uint64_t change) {
    return BecomesTrue(
        [&] { return set.GetStatus().changes().through() == change; });
  }

  const fs::path folder_ = root_ / kChangesName;
};

TEST_F(LiveChangesTest, ThatWereThereBeforeAreInForceFromTheFirstRequestOn) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  Write({Remove("b"), Remove("d"), Remove("unknown"), Restore("d")});
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ(Left(set_, 2), "acdef");
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Left(set_, 1), "acdef");
  const v1::ChangesStatus status = set_.GetStatus().changes();
  EXPECT_EQ(status.through(), 4U);
  EXPECT_EQ(status.removed_items(), 2U);
  EXPECT_EQ(status.removed_from_active(), 1U);
  EXPECT_GT(status.last_change_at().seconds(), 1'700'000'000);
  const auto removal = (*set_.Snapshot(1))->changes().RemovalOf("b");
  ASSERT_TRUE(removal.has_value());
  EXPECT_EQ(removal->change, 1U);
  EXPECT_EQ(removal->reason, "recalled");
  EXPECT_FALSE((*set_.Snapshot(1))->changes().RemovalOf("d").has_value());
}

TEST_F(LiveChangesTest, AreAppliedToResidentVersionsAsTheyCome) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_FALSE(set_.GetStatus().has_changes());
  Write({Remove("a")});
  ASSERT_TRUE(Reaches(set_, 1));
  EXPECT_EQ(Left(set_, 1), "bcdef");
  EXPECT_EQ(Left(set_, 2), "bcdef");
  Write({Remove("c"), Remove("e")});
  ASSERT_TRUE(Reaches(set_, 3));
  EXPECT_EQ(Left(set_, 1), "bdf");
  Write({Restore("a"), Restore("c"), Restore("e")});
  ASSERT_TRUE(Reaches(set_, 6));
  // As if there had never been a change.
  EXPECT_EQ((*set_.Snapshot(1))->changes().overlay(), nullptr);
  EXPECT_EQ((*set_.Snapshot(2))->changes().overlay(), nullptr);
}

TEST_F(LiveChangesTest, ARequestThatHoldsTheItemsKeepsThem) {
  WriteTinyBundle(root_, 1);
  Write({Remove("a")});
  ASSERT_TRUE(set_.Restore().ok());
  const auto held = (*set_.Snapshot(1))->changes().overlay()->remaining;
  Write({Remove("b")});
  ASSERT_TRUE(Reaches(set_, 2));
  EXPECT_TRUE(held->Has(1));
  EXPECT_NE((*set_.Snapshot(1))->changes().overlay()->remaining->serial(),
            held->serial());
}

TEST_F(LiveChangesTest, AVersionThatIsStagedMeanwhileMissesNone) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  for (int round = 0; round < 10; ++round) {
    const bool down = round % 2 == 0;
    std::thread writing([&] {
      Write({down ? Remove("a") : Restore("a")});
      Write({Remove("f")});
    });
    ASSERT_TRUE(set_.Stage(1).ok());
    writing.join();
    ASSERT_TRUE(Reaches(set_, static_cast<uint64_t>(2 * round + 2)));
    EXPECT_EQ(Left(set_, 1), down ? "bcde" : "abcde");
    EXPECT_EQ(Left(set_, 2), down ? "bcde" : "abcde");
    ASSERT_TRUE(set_.Unload(1).ok());
  }
}

TEST_F(LiveChangesTest, NothingIsServedWithoutThemWhenTheyAreDamaged) {
  WriteTinyBundle(root_, 1);
  Write({Remove("a")});
  const auto head = ReadChangeHead(folder_);
  ASSERT_TRUE(head.ok()) << head.status();
  const fs::path path = folder_ / head->segments.at(0).Name();
  const std::string segment = ReadFile(path);
  OverwriteFile(path, "something else");
  const absl::Status restored = set_.Restore();
  EXPECT_EQ(restored.code(), absl::StatusCode::kDataLoss) << restored;
  EXPECT_THAT(std::string(restored.message()), HasSubstr("1-1."));
  EXPECT_FALSE(set_.Snapshot(1).ok());
  EXPECT_FALSE(set_.Stage(1).ok());
  ASSERT_TRUE(
      BecomesTrue([&] { return !set_.GetStatus().changes().error().empty(); }));
  // Once the file is right again, so is everything.
  OverwriteFile(path, segment);
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Left(set_, 1), "bcdef");
}

TEST_F(LiveChangesTest, DamageThatComesLaterLeavesWhatWasApplied) {
  WriteTinyBundle(root_, 1);
  Write({Remove("a")});
  ASSERT_TRUE(set_.Restore().ok());
  OverwriteFile(folder_ / kChangeHeadName, "not a head\n");
  ASSERT_TRUE(
      BecomesTrue([&] { return !set_.GetStatus().changes().error().empty(); }));
  EXPECT_THAT(set_.GetStatus().changes().error(), HasSubstr("first line"));
  EXPECT_EQ(Left(set_, 1), "bcdef");
  // A log that was begun anew is not taken for the one before.
  fs::remove_all(folder_);
  Write({Remove("x"), Remove("y")});
  ASSERT_TRUE(BecomesTrue([&] {
    return set_.GetStatus().changes().error().find(
               "not those that were read before") != std::string::npos;
  })) << set_.GetStatus().changes().error();
  EXPECT_EQ(Left(set_, 1), "bcdef");
}

TEST_F(LiveChangesTest,
       OneThatThisServerIsTooOldForIsCountedAndTheRestApplied) {
  WriteTinyBundle(root_, 1);
  {
    auto log = ChangeLog::Open(folder_);
    ASSERT_TRUE(log.ok());
    v1::Change newer;
    newer.set_number(1);
    newer.set_item("b");
    ASSERT_TRUE(
        (*log)
            ->AppendCopies({{newer.SerializeAsString() + "\xa2\x06\x01x"}}, 7)
            .ok());
    ASSERT_TRUE((*log)->Append({Remove("a")}).ok());
  }
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ(Left(set_, 1), "bcdef");
  const v1::ChangesStatus status = set_.GetStatus().changes();
  EXPECT_EQ(status.through(), 2U);
  EXPECT_EQ(status.refused(), 1U);
  EXPECT_THAT(status.last_refused(), HasSubstr("change 1.what"));
}

}  // namespace
}  // namespace tributary
