#include "server/versions/user_buckets.h"

#include <gtest/gtest.h>

#include <string>

namespace tributary {
namespace {

TEST(BucketOf, IsTheSameForAnIdAndItsTextAndForGood) {
  v1::RetrieveRequest by_id;
  by_id.set_user_id(42);
  v1::RetrieveRequest by_key;
  by_key.set_user_key("42");
  EXPECT_EQ(BucketOf(by_id), BucketOf(by_key));
  EXPECT_EQ(BucketOf(v1::RetrieveRequest()), kNoBucket);
  // An A/B test outlives the server's version.
  EXPECT_EQ(BucketOf("nginx"), 6609);
}

TEST(BucketOf, SpreadsKeysEvenlyThatFollowEachOther) {
  // By thousands of buckets; the deviation of each is 95.
  std::array<int, 10> counts{};
  for (int user = 0; user < 100'000; ++user) {
    ++counts[BucketOf(std::to_string(user)) / 1000];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Resize, GrowsByAddingAndShrinksByGivingBackWhatCameLast) {
  const BucketSet small = Resize("canary", {}, {}, 500);
  const BucketSet large = Resize("canary", small, {}, 2000);
  EXPECT_EQ(small.count(), 500);
  EXPECT_EQ(large.count(), 2000);
  EXPECT_EQ(small & large, small);
  EXPECT_EQ(Resize("canary", large, {}, 500), small);
  EXPECT_EQ(Resize("canary", small, {}, 500), small);
  EXPECT_TRUE(Resize("canary", small, {}, 0).none());
}

TEST(Resize, LabelsTakeUsersOfTheirOwn) {
  const BucketSet a = Resize("a", {}, {}, 5000);
  const BucketSet b = Resize("b", {}, {}, 5000);
  // Half of a's: the deviation is 25.
  EXPECT_NEAR((a & b).count(), 2500, 150);
}

TEST(Resize, TakesNoUsersOfOtherLabelsAndCanTakeAllOthers) {
  const BucketSet a = Resize("a", {}, {}, 7000);
  const BucketSet b = Resize("b", {}, a, 3000);
  EXPECT_TRUE((a & b).none());
  EXPECT_EQ((a | b).count(), kUserBuckets);
}

}  // namespace
}  // namespace tributary
