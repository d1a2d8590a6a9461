#include "index/parallel/remaining_time.h"

#include "gtest/gtest.h"

namespace tributary {
namespace {

RemainingTime Make() {
  return RemainingTime({{"choose", 4},
                        {"validation: als", 2},
                        {"validation: fusion", 1},
                        {"als", 2},
                        {"index", 1}});
}

TEST(RemainingTimeTest, KnowsNothingInTheBeginning) {
  const RemainingTime time = Make();
  EXPECT_FALSE(time.At("choose", 0, 1).left_s.has_value());
  EXPECT_EQ(time.At("choose", 0, 1).done, 0);
}

TEST(RemainingTimeTest, TheFirstStepSaysWhatTheOthersTake) {
  const RemainingTime time = Make();
  // 10 s for half of a weight of 4: 10 s are left of it, and 6 * 5 s after it.
  const auto estimate = time.At("choose", 0.5, 10);
  EXPECT_DOUBLE_EQ(*estimate.left_s, 40);
  EXPECT_DOUBLE_EQ(estimate.done, 0.2);
}

TEST(RemainingTimeTest, FinishedStepsSayWhatAUnitTakes) {
  RemainingTime time = Make();
  time.Finish("choose", 40);
  // 40 s for a weight of 4.
  EXPECT_DOUBLE_EQ(*time.At("validation: als", 0, 0).left_s, 60);
  EXPECT_DOUBLE_EQ(time.At("validation: als", 0, 0).done, 0.4);
}

TEST(RemainingTimeTest, AStepTakesAsLongAsItDidForTheValidation) {
  RemainingTime time = Make();
  time.Finish("choose", 40);
  time.Finish("validation: als", 100);
  time.Finish("validation: fusion", 0);
  // 100 s for als, and 140 s / 7 for the index.
  EXPECT_DOUBLE_EQ(*time.At("als", 0, 0).left_s, 120);
  // What it takes now is better to know than what it took then.
  EXPECT_DOUBLE_EQ(*time.At("als", 0.5, 20).left_s, 20 + (140 + 20) / 8.0);
}

TEST(RemainingTimeTest, StepsThatDoNotComeAreLeftOut) {
  RemainingTime time = Make();
  time.Finish("als", 20);
  EXPECT_DOUBLE_EQ(*time.At("index", 0, 0).left_s, 10);
}

TEST(RemainingTimeTest, StepsThatNobodyExpectedTakeTheirTime) {
  RemainingTime time = Make();
  time.Finish("read", 10);
  EXPECT_FALSE(time.At("choose", 0, 0).left_s.has_value());
  time.Finish("als", 20);
  EXPECT_DOUBLE_EQ(*time.At("rest", 0.5, 5).left_s, 15);
  EXPECT_DOUBLE_EQ(time.At("rest", 0.5, 5).done, 35 / 50.0);
}

TEST(RemainingTimeTest, AllIsDoneInTheEnd) {
  RemainingTime time = Make();
  time.Finish("als", 20);
  const auto estimate = time.At("index", 1, 7);
  EXPECT_DOUBLE_EQ(*estimate.left_s, 0);
  EXPECT_DOUBLE_EQ(estimate.done, 1);
}

}  // namespace
}  // namespace tributary
