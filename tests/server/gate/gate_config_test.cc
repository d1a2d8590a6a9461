#include "server/gate/gate_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tributary {
namespace {

using testing::StartsWith;

TEST(CompleteGate, FillsInTheDefaults) {
  const auto gate = CompleteGate({});
  ASSERT_TRUE(gate.ok()) << gate.status();
  EXPECT_TRUE(gate->enabled());
  EXPECT_EQ(gate->sample_users(), 200);
  EXPECT_EQ(gate->n(), 100);
  EXPECT_EQ(gate->min_overlap(), 0.02);
}

TEST(CompleteGate, NamesTheFieldThatIsWrong) {
  v1::Gate gate;
  gate.set_min_recall(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(std::string(CompleteGate(gate).status().message()),
              StartsWith("min_recall:"));
  gate.Clear();
  gate.set_min_norm_ratio(1.5);
  EXPECT_THAT(std::string(CompleteGate(gate).status().message()),
              StartsWith("min_norm_ratio:"));
  gate.Clear();
  gate.set_sample_users(0);
  EXPECT_THAT(std::string(CompleteGate(gate).status().message()),
              StartsWith("sample_users:"));
}

}  // namespace
}  // namespace tributary
