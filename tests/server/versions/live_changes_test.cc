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

v1::Change Upsert(const std::string& item, float x) {
  v1::Change change;
  change.set_item(item);
  auto& vector = (*change.mutable_upsert()->mutable_vectors())["taste"];
  vector.add_values(x);
  vector.add_values(0);
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
  // The keys of the items that were added to a version, in the order of rows.
  static std::string Added(const BundleSet& set, uint64_t version) {
    const auto bundle = set.Snapshot(version);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    if (!bundle.ok()) return "";
    const auto overlay = (*bundle)->changes().overlay();
    if (overlay == nullptr || overlay->additions == nullptr) return "";
    const AddedItems& added = *overlay->additions;
    std::string keys;
    for (uint32_t i = 0; i < added.size(); ++i) {
      const Row row = added.first() + i;
      if (added.IsLive(row)) keys += added.key(row);
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
  const std::string segment = ReadFile(folder_ / "1-1.segment");
  OverwriteFile(folder_ / "1-1.segment", "something else");
  const absl::Status restored = set_.Restore();
  EXPECT_EQ(restored.code(), absl::StatusCode::kDataLoss) << restored;
  EXPECT_THAT(std::string(restored.message()), HasSubstr("1-1.segment"));
  EXPECT_FALSE(set_.Snapshot(1).ok());
  EXPECT_FALSE(set_.Stage(1).ok());
  ASSERT_TRUE(
      BecomesTrue([&] { return !set_.GetStatus().changes().error().empty(); }));
  // Once the file is right again, so is everything.
  OverwriteFile(folder_ / "1-1.segment", segment);
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

TEST_F(LiveChangesTest, AddItemsToTheVersionsThatLackThem) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  Write({Upsert("x", 1), Upsert("a", 1), Upsert("y", 2), Remove("x")});
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ(Added(set_, 2), "y");
  EXPECT_EQ(Left(set_, 2), "abcdef");
  EXPECT_EQ(set_.GetStatus().changes().added_items(), 1U);
  Write({Restore("x"), Upsert("z", 3)});
  ASSERT_TRUE(Reaches(set_, 6));
  EXPECT_EQ(Added(set_, 2), "xyz");
  EXPECT_EQ(set_.GetStatus().changes().added_items(), 3U);
  // A version that comes later gets them in the order of their changes, too.
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Added(set_, 1), "xyz");
}

TEST_F(LiveChangesTest, ThatAreInTheDataOfAVersionAddNothingToIt) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  {
    const auto tiny = Bundle::Open(root_ / "1");
    ASSERT_TRUE(tiny.ok());
    v1::Manifest manifest = (*tiny)->manifest();
    manifest.set_changes_through(2);
    const auto with_changes = RewriteBundle(
        **tiny, manifest, [](BundleWriter*) { return absl::OkStatus(); });
    fs::remove_all(root_ / "1");
    fs::rename(with_changes->dir(), root_ / "1");
  }
  Write({Upsert("x", 1), Upsert("y", 2), Upsert("z", 3)});
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Added(set_, 1), "z");
  EXPECT_EQ(Added(set_, 2), "xyz");
}

TEST_F(LiveChangesTest, WhatAVersionCannotTakeIsCountedOnce) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(set_.Stage(1).ok());
  v1::Change wrong = Upsert("x", 1);
  (*wrong.mutable_upsert()->mutable_vectors())["taste"].add_values(7);
  Write({wrong, Upsert("y", 1)});
  ASSERT_TRUE(Reaches(set_, 2));
  EXPECT_EQ(Added(set_, 1), "xy");
  const v1::ChangesStatus status = set_.GetStatus().changes();
  EXPECT_EQ(status.refused(), 1U);
  EXPECT_THAT(status.last_refused(),
              HasSubstr("change 1: vectors[\"taste\"]: 3 values, version"));
}

TEST_F(LiveChangesTest, SetTheAttributesOfItemsThatTheyAdded) {
  WriteTinyBundle(root_, 1);
  Write({Upsert("x", 1)});
  ASSERT_TRUE(set_.Restore().ok());
  v1::Change set;
  set.set_item("x");
  (*set.mutable_set()->mutable_attributes()->mutable_fields())["brand"]
      .set_string_value("acme");
  Write({set});
  ASSERT_TRUE(Reaches(set_, 2));
  const auto bundle = *set_.Snapshot(1);
  const auto added = bundle->changes().overlay()->additions;
  const Row row = added->Find("x");
  const AttributeColumn& brand = *bundle->bundle().FindAttribute("brand");
  const auto at =
      static_cast<size_t>(&brand - bundle->bundle().attributes().data());
  EXPECT_EQ(added->CodeOf(at, row), brand.Find(std::string_view("acme")));
  // The vector is still there.
  EXPECT_EQ(added->Vector(0, row).size(), 2U);
}

}  // namespace
}  // namespace tributary
