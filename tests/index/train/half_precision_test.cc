#include "index/train/half_precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary {
namespace {

using testing::ElementsAre;

TEST(RoundToHalf, TakesTheNearestValueAndEvenOnesOnTies) {
  // Between 1 and 1 + 2^-10, the next number.
  std::vector<float> values = {1, 1 + 0x1p-12f, 1 + 0x1p-11f, 1 + 0x1.8p-11f,
                               -0x1p-24f};
  ASSERT_TRUE(RoundToHalf(&values));
  EXPECT_THAT(values, ElementsAre(1, 1, 1, 1 + 0x1p-10f, -0x1p-24f));
}

TEST(RoundToHalf, LeavesValuesBeyondItsRangeAlone) {
  std::vector<float> values = {0.1f, 65504};
  EXPECT_TRUE(RoundToHalf(&values));
  std::vector<float> large = {0.1f, 65520};
  EXPECT_FALSE(RoundToHalf(&large));
  EXPECT_THAT(large, ElementsAre(0.1f, 65520));
}

TEST(ToHalves, GivesTheBits) {
  const std::vector<float> values = {1, -2, 65504};
  const auto halves = ToHalves(values);
  EXPECT_EQ(halves[0].bits, 0x3c00);
  EXPECT_EQ(halves[1].bits, 0xc000);
  EXPECT_EQ(halves[2].bits, 0x7bff);
}

}  // namespace
}  // namespace tributary
