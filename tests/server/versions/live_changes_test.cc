// Live changes, as every resident version has them.
#include "server/versions/live_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/json_util.h"
#include "index/changes/change_log.h"
#include "index/filter/filter_cache.h"
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

v1::Change Set(const std::string& item, const std::string& attributes) {
  v1::Change change;
  change.set_item(item);
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                  attributes, change.mutable_set()->mutable_attributes())
                  .ok())
      << attributes;
  return change;
}

v1::Change Expire(const std::string& item, absl::Time time) {
  v1::Change change;
  change.set_item(item);
  change.mutable_expire()->set_at_ms(absl::ToUnixMillis(time));
  return change;
}

v1::Change Event(const std::string& user, const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_event()->set_user(user);
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
  // The keys of a version's items that pass.
  static std::string Passing(const BundleSet& set, uint64_t version,
                             const std::string& where) {
    const auto bundle = set.Snapshot(version);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    if (!bundle.ok()) return "";
    const auto overlay = (*bundle)->changes().overlay();
    const auto filter =
        ResolveFilter(AttributesUnder((*bundle)->bundle(), overlay.get()),
                      where, nullptr, {});
    EXPECT_TRUE(filter.ok()) << filter.status();
    std::string keys;
    const KeyTable& items = (*bundle)->bundle().items();
    for (Row row = 0; row < items.size(); ++row) {
      if ((*filter)->items.Has(row)) keys += items.text(row);
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

// "10: cd" for user 10, who met c and d.
std::string MetBy(const BundleSet& set, uint64_t version, uint64_t user) {
  const auto bundle = set.Snapshot(version);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  if (!bundle.ok()) return "";
  const auto overlay = (*bundle)->changes().overlay();
  if (overlay == nullptr || overlay->events == nullptr) return "";
  const MetItems* const met = overlay->events->Find(
      (*bundle)->bundle().users().Find(user), std::to_string(user));
  if (met == nullptr) return "";
  std::string keys;
  for (const Row row : met->wanted()) {
    keys += (*bundle)->bundle().items().text(row);
  }
  return keys;
}

TEST_F(LiveChangesTest, EventsAreThoseOfEveryVersion) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  Write({Event("10", "c"), Event("99", "d"), Event("10", "unknown")});
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ(MetBy(set_, 2, 10), "c");
  EXPECT_EQ(MetBy(set_, 2, 99), "d");
  EXPECT_EQ(set_.GetStatus().changes().changed_users(), 2U);
  // No item is taken down.
  EXPECT_EQ((*set_.Snapshot(2))->changes().overlay()->remaining, nullptr);
  Write({Event("10", "a"), Remove("a"), Event("10", "c")});
  ASSERT_TRUE(Reaches(set_, 6));
  EXPECT_EQ(MetBy(set_, 2, 10), "ac");
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(MetBy(set_, 1, 10), "ac");
  EXPECT_EQ(MetBy(set_, 1, 99), "d");
  EXPECT_EQ(Left(set_, 1), "bcdef");
  // Events survive what removals do to the overlay.
  Write({Restore("a")});
  ASSERT_TRUE(Reaches(set_, 7));
  EXPECT_EQ(MetBy(set_, 2, 10), "ac");
  EXPECT_EQ(set_.GetStatus().changes().removed_from_active(), 0U);
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

TEST_F(LiveChangesTest, SetAttributesOfAllVersions) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  Write({Set("a", R"({"in_stock": false, "price": 3, "colour": "red"})")});
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(set_.Stage(2).ok());
  for (const uint64_t version : {2, 3}) {
    EXPECT_EQ(Passing(set_, version, "in_stock"), "ce");
    EXPECT_EQ(Passing(set_, version, "price = 3"), "a");
  }
  Write({Set("b", R"({"tags": ["hot", "sale"]})"),
         Set("c", R"({"brand": null})"), Set("a", R"({"in_stock": true})"),
         Set("unknown", R"({"year": 1})")});
  ASSERT_TRUE(Reaches(set_, 5));
  for (const uint64_t version : {2, 3}) {
    EXPECT_EQ(Passing(set_, version, "in_stock"), "ace");
    EXPECT_EQ(Passing(set_, version, "tags:hot AND tags:sale"), "b");
    EXPECT_EQ(Passing(set_, version, "NOT brand:*"), "cd");
  }
  // A version that comes later has all of it.
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Passing(set_, 1, "in_stock"), "ace");
  EXPECT_EQ(Passing(set_, 1, "price = 3 OR tags:hot"), "ab");
  const v1::ChangesStatus status = set_.GetStatus().changes();
  EXPECT_EQ(status.changed_items(), 3U);
  EXPECT_EQ(status.refused(), 0U);
  EXPECT_EQ(status.removed_from_active(), 0U);
}

TEST_F(LiveChangesTest, AVersionThatHasChangesAlreadySkipsThem) {
  const auto tiny = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(tiny.ok()) << tiny.status();
  v1::Manifest manifest = (*tiny)->manifest();
  manifest.set_changes_through(2);
  const auto built = RewriteBundle(
      **tiny, manifest, [](BundleWriter*) { return absl::OkStatus(); });
  fs::create_directories(root_);
  fs::copy(built->dir(), root_ / "1", fs::copy_options::recursive);
  WriteTinyBundle(root_, 2);
  Write({Set("a", R"({"year": 7, "price": 7})"), Remove("f"),
         Set("b", R"({"year": 7})")});
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Passing(set_, 1, "year = 7"), "b");
  EXPECT_EQ(Passing(set_, 2, "year = 7"), "ab");
  // What is taken down is taken down, whatever a version was built with.
  EXPECT_EQ(Left(set_, 1), "abcde");
  Write({Set("a", R"({"price": 8})")});
  ASSERT_TRUE(Reaches(set_, 4));
  EXPECT_EQ(Passing(set_, 1, "price = 8"), "a");
  EXPECT_EQ(Passing(set_, 1, "year = 7"), "b");
}

TEST_F(LiveChangesTest, AValueOfAnotherTypeIsRefusedAndTheOneBeforeStays) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  Write({Set("a", R"({"price": 3})"),
         Set("a", R"({"price": "cheap", "year": 5})")});
  ASSERT_TRUE(Reaches(set_, 2));
  EXPECT_EQ(Passing(set_, 2, "price = 3 AND year = 5"), "a");
  ASSERT_TRUE(set_.Stage(1).ok());
  // Nor does a version that comes later see less.
  EXPECT_EQ(Passing(set_, 1, "price = 3 AND year = 5"), "a");
  const v1::ChangesStatus status = set_.GetStatus().changes();
  EXPECT_EQ(status.refused(), 1U);
  EXPECT_THAT(status.last_refused(),
              HasSubstr("change 2 of item \"a\": \"price\": \"cheap\", "
                        "expected a finite number"));
}

TEST_F(LiveChangesTest, AnItemExpiresByTheClockAlone) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  const absl::Time soon = absl::Now() + absl::Milliseconds(400);
  Write({Expire("a", absl::Now() - absl::Hours(1)),
         Expire("b", absl::Now() + absl::Hours(1)), Expire("c", soon),
         Remove("d")});
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ(Left(set_, 2), "bcef");
  EXPECT_EQ(set_.GetStatus().changes().expired_items(), 1U);
  EXPECT_EQ(set_.GetStatus().changes().removed_from_active(), 1U);
  ASSERT_TRUE(BecomesTrue([&] { return Left(set_, 2) == "bef"; }));
  // Not before its time, and soon after it.
  EXPECT_GE(absl::Now(), soon);
  EXPECT_LT(absl::Now(), soon + absl::Seconds(5));
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Left(set_, 1), "bef");
  EXPECT_EQ(set_.GetStatus().changes().expired_items(), 2U);
  EXPECT_EQ(set_.GetStatus().changes().removed_from_active(), 1U);
  const auto expiry = (*set_.Snapshot(1))->changes().ExpiryOf("c");
  ASSERT_TRUE(expiry.has_value());
  EXPECT_EQ(expiry->change, 3U);
  EXPECT_EQ(expiry->at_ms, absl::ToUnixMillis(soon));
  // 0 takes it back; a later time, too. One that is taken down stays so.
  v1::Change never = Expire("a", soon);
  never.mutable_expire()->clear_at_ms();
  Write({never, Expire("c", absl::InfiniteFuture()),
         Expire("d", absl::Now() - absl::Hours(1))});
  ASSERT_TRUE(Reaches(set_, 7));
  for (const uint64_t version : {1, 2}) EXPECT_EQ(Left(set_, version), "abcef");
  EXPECT_EQ(set_.GetStatus().changes().removed_from_active(), 1U);
  Write({Restore("d")});
  ASSERT_TRUE(Reaches(set_, 8));
  EXPECT_EQ(Left(set_, 2), "abcef");
  EXPECT_EQ(set_.GetStatus().changes().removed_from_active(), 0U);
}

// Whichever comes first, the last change of each item counts.
TEST_F(LiveChangesTest, RandomChangesLeaveWhatASlowModelLeaves) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  std::mt19937 random(5);
  std::map<char, bool> removed;
  std::map<char, bool> expired;
  uint64_t number = 0;
  for (int round = 0; round < 30; ++round) {
    std::vector<v1::Change> batch;
    for (uint32_t i = 1 + random() % 5; i > 0; --i) {
      const char item = static_cast<char>('a' + random() % 6);
      const std::string key(1, item);
      switch (random() % 4) {
        case 0:
          batch.push_back(Remove(key));
          removed[item] = true;
          break;
        case 1:
          batch.push_back(Restore(key));
          removed[item] = false;
          break;
        case 2:
          batch.push_back(Expire(key, absl::Now() - absl::Hours(1)));
          expired[item] = true;
          break;
        default:
          batch.push_back(Expire(key, absl::Now() + absl::Hours(1)));
          expired[item] = false;
          break;
      }
    }
    number += batch.size();
    Write(batch);
    ASSERT_TRUE(Reaches(set_, number));
    std::string left;
    for (char item = 'a'; item <= 'f'; ++item) {
      if (!removed[item] && !expired[item]) left += item;
    }
    ASSERT_EQ(Left(set_, 2), left);
    if (round % 10 == 9) {
      ASSERT_TRUE(set_.Stage(1).ok());
      ASSERT_EQ(Left(set_, 1), left);
      ASSERT_TRUE(set_.Unload(1).ok());
    }
  }
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
