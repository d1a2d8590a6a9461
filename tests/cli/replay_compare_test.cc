#include "cli/replay_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tributary {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;

v1::RetrieveResponse ResponseOf(const std::vector<std::string>& items) {
  v1::RetrieveResponse response;
  for (const std::string& item : items) response.add_item_keys(item);
  response.set_bundle_version(7);
  return response;
}

v1::RecordedCall CallOf(const std::vector<std::string>& items) {
  v1::RecordedCall call;
  call.set_request_id("id-1");
  call.set_micros(100);
  *call.mutable_response() = ResponseOf(items);
  return call;
}

ReplayedCall Compare(const v1::RecordedCall& then,
                     const std::vector<std::string>& now, uint32_t depth = 0) {
  return CompareReplay(5, then, ResponseOf(now), depth);
}

TEST(CompareReplay, CountsWhatBothListsHave) {
  const ReplayedCall call =
      Compare(CallOf({"a", "b", "c", "d"}), {"d", "b", "e"});
  EXPECT_DOUBLE_EQ(call.overlap, 0.5);
  EXPECT_EQ(call.gained, 1);
  EXPECT_EQ(call.lost, 2);
  EXPECT_FALSE(call.identical);
  EXPECT_EQ(call.request_id, "id-1");
  EXPECT_EQ(call.number, 5);
}

TEST(CompareReplay, AnotherOrderIsNotIdentical) {
  const ReplayedCall swapped = Compare(CallOf({"a", "b"}), {"b", "a"});
  EXPECT_EQ(swapped.overlap, 1);
  EXPECT_FALSE(swapped.identical);
  EXPECT_TRUE(Compare(CallOf({"a", "b"}), {"a", "b"}).identical);
  EXPECT_TRUE(Compare(CallOf({}), {}).identical);
  EXPECT_EQ(Compare(CallOf({}), {}).overlap, 1);
}

TEST(CompareReplay, LooksAtTheFirstItemsOnly) {
  const ReplayedCall call =
      Compare(CallOf({"a", "b", "c"}), {"a", "b", "x"}, 2);
  EXPECT_TRUE(call.identical);
  EXPECT_EQ(call.lost, 0);
}

TEST(CompareReplay, ComparesIntegerKeys) {
  v1::RecordedCall then;
  then.mutable_response()->add_item_ids(1);
  then.mutable_response()->add_item_ids(2);
  v1::RetrieveResponse now;
  now.add_item_ids(2);
  now.add_item_ids(3);
  EXPECT_DOUBLE_EQ(CompareReplay(1, then, now, 0).overlap, 0.5);
}

TEST(CompareReplay, ErrorsAreComparedByTheirCode) {
  v1::RecordedCall failed;
  failed.set_code(5);
  EXPECT_TRUE(CompareReplay(1, failed, absl::NotFoundError("other words"), 0)
                  .identical);
  EXPECT_FALSE(CompareReplay(1, failed, absl::AbortedError(""), 0).identical);
  EXPECT_FALSE(CompareReplay(1, failed, ResponseOf({}), 0).identical);
  const ReplayedCall came =
      CompareReplay(1, CallOf({"a"}), absl::NotFoundError("none"), 0);
  EXPECT_FALSE(came.identical);
  EXPECT_EQ(came.overlap, 0);
  EXPECT_EQ(came.error_now, "none");
}

TEST(CompareReplay, AHashedUserThatWasKnownCannotBeCompared) {
  v1::RecordedCall call = CallOf({"a"});
  EXPECT_TRUE(Compare(call, {"b"}).comparable);
  call.set_user_key_hashed(true);
  EXPECT_FALSE(Compare(call, {"b"}).comparable);
  // Unknown then as it is now.
  call.mutable_response()->set_cold_start(true);
  EXPECT_TRUE(Compare(call, {"b"}).comparable);
}

void Add(const v1::RecordedCall& then,
         const absl::StatusOr<v1::RetrieveResponse>& now, uint64_t number,
         ReplayTotals* totals) {
  totals->Add(CompareReplay(number, then, now, 0), then, now,
              microseconds(200));
}

TEST(ReplayTotals, AddUp) {
  v1::RecordedCall failed;
  failed.set_code(5);
  v1::RecordedCall hashed = CallOf({"a", "b"});
  hashed.set_user_key_hashed(true);
  ReplayTotals one(2);
  Add(CallOf({"a", "b"}), ResponseOf({"a", "b"}), 1, &one);
  Add(CallOf({"a", "b"}), ResponseOf({"a", "c"}), 2, &one);
  Add(CallOf({"a", "b"}), absl::InternalError(""), 3, &one);
  ReplayTotals totals(2);
  Add(failed, ResponseOf({"a"}), 4, &totals);
  Add(failed, absl::NotFoundError(""), 5, &totals);
  Add(failed, absl::InternalError(""), 6, &totals);
  Add(hashed, ResponseOf({"a", "c"}), 7, &totals);
  Add(CallOf({"a", "b"}), ResponseOf({"x", "y"}), 8, &totals);
  totals.Merge(one);
  EXPECT_EQ(totals.sent, 8);
  EXPECT_EQ(totals.hashed, 1);
  EXPECT_EQ(totals.compared, 7);
  EXPECT_EQ(totals.identical, 2);
  EXPECT_EQ(totals.gained, 3);
  EXPECT_EQ(totals.lost, 3);
  EXPECT_EQ(totals.errors_came, 1);
  EXPECT_EQ(totals.errors_went, 1);
  EXPECT_EQ(totals.errors_alike, 1);
  EXPECT_EQ(totals.errors_other, 1);
  // 1, .5, 0 and 0.
  EXPECT_DOUBLE_EQ(totals.mean_overlap(), 0.375);
  EXPECT_DOUBLE_EQ(totals.hashed_mean_overlap(), 0.5);
  EXPECT_THAT(totals.versions_now, ElementsAre(7));
  ASSERT_EQ(totals.worst().size(), 2);
  EXPECT_EQ(totals.worst()[0].overlap, 0);
  EXPECT_EQ(totals.worst()[0].number, 3);
  EXPECT_EQ(totals.micros_now.count(), 4);
}

}  // namespace
}  // namespace tributary
