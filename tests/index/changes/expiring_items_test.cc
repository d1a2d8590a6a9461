#include "index/changes/expiring_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Change Expire(const std::string& item, int64_t at_ms) {
  v1::Change change;
  change.set_item(item);
  change.mutable_expire()->set_at_ms(at_ms);
  return change;
}

TEST(ExpiringItems, ExpireWhenTheirTimeHasCome) {
  ExpiringItems items;
  EXPECT_FALSE(items.Apply(Expire("a", 100)));
  EXPECT_FALSE(items.Apply(Expire("b", 200)));
  EXPECT_THAT(items.SetTime(99), IsEmpty());
  EXPECT_THAT(items.SetTime(100), ElementsAre("a"));
  EXPECT_TRUE(items.HasExpired("a"));
  EXPECT_FALSE(items.HasExpired("b"));
  EXPECT_TRUE(items.Apply(Expire("c", 50)));
  EXPECT_EQ(items.expired(), 2U);
  // 0 takes it back.
  EXPECT_TRUE(items.Apply(Expire("c", 0)));
  EXPECT_EQ(items.expired(), 1U);
  EXPECT_EQ(items.Find("c"), nullptr);
  // A clock that is set back.
  EXPECT_THAT(items.SetTime(10), ElementsAre("a"));
  EXPECT_EQ(items.expired(), 0U);
}

TEST(ExpiringItems, AnUpsertSaysAnewWhenItsItemExpires) {
  ExpiringItems items;
  items.SetTime(1000);
  v1::Change upsert;
  upsert.set_item("a");
  upsert.mutable_upsert()->set_expires_at_ms(900);
  EXPECT_TRUE(items.Apply(upsert));
  EXPECT_TRUE(items.HasExpired("a"));
  upsert.mutable_upsert()->set_expires_at_ms(0);
  EXPECT_TRUE(items.Apply(upsert));
  EXPECT_FALSE(items.HasExpired("a"));
  // Other changes say nothing about it.
  v1::Change remove;
  remove.set_item("a");
  remove.mutable_remove();
  EXPECT_TRUE(items.Apply(Expire("a", 1)));
  EXPECT_FALSE(items.Apply(remove));
  EXPECT_TRUE(items.HasExpired("a"));
}

TEST(ExpiringItemsProperty, EqualsAMapOfTimes) {
  std::mt19937 random(1);
  ExpiringItems items;
  std::map<std::string, int64_t> times;
  int64_t now = 0;
  items.SetTime(now);
  const auto has_expired = [&](const std::string& item) {
    return times.contains(item) && times[item] <= now;
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::string item(1, static_cast<char>('a' + random() % 20));
    std::set<std::string> before;
    for (const auto& [key, time] : times) {
      if (time <= now) before.insert(key);
    }
    if (random() % 2 == 0) {
      const auto at = static_cast<int64_t>(random() % 50);
      const bool was = has_expired(item);
      if (at == 0) {
        times.erase(item);
      } else {
        times[item] = at;
      }
      EXPECT_EQ(items.Apply(Expire(item, at)), was != has_expired(item));
    } else {
      now = static_cast<int64_t>(random() % 50);
      const auto moved = items.SetTime(now);
      std::set<std::string> expected;
      for (const auto& [key, time] : times) {
        if (before.contains(key) != (time <= now)) expected.insert(key);
      }
      EXPECT_EQ(std::set<std::string>(moved.begin(), moved.end()), expected);
      EXPECT_EQ(moved.size(), expected.size());
    }
    std::set<std::string> expired;
    for (const auto& [key, time] : times) {
      ASSERT_EQ(items.HasExpired(key), time <= now);
      if (time <= now) expired.insert(key);
    }
    ASSERT_EQ(items.expired(), expired.size());
    std::set<std::string> listed;
    items.ForEachExpired([&](const std::string& key) { listed.insert(key); });
    ASSERT_EQ(listed, expired);
    ASSERT_EQ(items.size(), times.size());
  }
}

}  // namespace
}  // namespace tributary
