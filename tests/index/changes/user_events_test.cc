#include "index/changes/user_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class UserEventsTest : public testing::Test {
 protected:
  bool Meets(const std::string& user, const std::string& item,
             std::optional<double> value = std::nullopt) {
    v1::Change change;
    change.set_number(++changes_);
    change.set_item(item);
    change.mutable_event()->set_user(user);
    if (value) change.mutable_event()->set_value(*value);
    return events_.Apply(change);
  }

  uint64_t changes_ = 0;
  UserEvents events_;
};

TEST_F(UserEventsTest, AreThereByUserOldestFirst) {
  EXPECT_TRUE(Meets("u", "a"));
  EXPECT_TRUE(Meets("v", "a", 0));
  EXPECT_TRUE(Meets("u", "b", .5));
  EXPECT_TRUE(Meets("u", "c", -1));
  ASSERT_NE(events_.Find("u"), nullptr);
  EXPECT_THAT(*events_.Find("u"),
              ElementsAre(LiveEvent{1, "a", true}, LiveEvent{3, "b", true},
                          LiveEvent{4, "c", false}));
  EXPECT_THAT(*events_.Find("v"), ElementsAre(LiveEvent{2, "a", false}));
  EXPECT_EQ(events_.Find("w"), nullptr);
  v1::Change other;
  other.set_item("a");
  other.mutable_remove();
  EXPECT_FALSE(events_.Apply(other));
}

TEST_F(UserEventsTest, AnItemIsThereOnceAndStaysWanted) {
  Meets("u", "a");
  Meets("u", "b");
  EXPECT_TRUE(Meets("u", "a"));
  EXPECT_FALSE(Meets("u", "b", 0));
  EXPECT_THAT(*events_.Find("u"),
              ElementsAre(LiveEvent{2, "b", true}, LiveEvent{3, "a", true}));
  Meets("v", "a", 0);
  EXPECT_TRUE(Meets("v", "a"));
  EXPECT_THAT(*events_.Find("v"), ElementsAre(LiveEvent{6, "a", true}));
}

TEST_F(UserEventsTest, TheNewestAreKept) {
  for (size_t i = 0; i < UserEvents::kMaxEvents + 3; ++i) {
    Meets("u", std::to_string(i));
  }
  ASSERT_THAT(*events_.Find("u"), SizeIs(UserEvents::kMaxEvents));
  EXPECT_EQ(events_.Find("u")->front().item, "3");
}

}  // namespace
}  // namespace tributary
