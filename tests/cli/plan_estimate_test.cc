#include "cli/plan_estimate.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

TEST(PlanEstimateTest, ReadsAmounts) {
  EXPECT_EQ(ParseAmount("--items", "50M").value(), 50e6);
  EXPECT_EQ(ParseAmount("--items", "1.5k").value(), 1500);
  EXPECT_EQ(ParseAmount("--items", "300").value(), 300);
  EXPECT_EQ(ParseAmount("--items", "2G").value(), 2e9);
  EXPECT_EQ(ParseAmount("--items", ".5").value(), .5);
  for (const std::string text : {"", "M", "-1", "5m", "5 M", "1e", "nan", "inf",
                                 "9e400", "5.", "0x10"}) {
    const auto amount = ParseAmount("--items", text);
    ASSERT_FALSE(amount.ok()) << text;
    EXPECT_THAT(std::string(amount.status().message()),
                HasSubstr("--items: \"" + text + "\", expected a number"));
  }
}

TEST(PlanEstimateTest, WritesAmounts) {
  EXPECT_EQ(AmountText(50e6), "50M");
  EXPECT_EQ(AmountText(1500), "1.5k");
  EXPECT_EQ(AmountText(999), "999");
  EXPECT_EQ(AmountText(3e8), "300M");
}

// The figures of docs/performance.md: an item of 64 float16 values takes 153
// bytes, of which 128 are the vector.
TEST(PlanEstimateTest, AnItemTakesWhatWasMeasured) {
  const auto parts = PlannedParts({.items = 1e6, .dim = 64, .spaces = 1});
  double bytes = 0;
  for (const PlanLine& part : parts) {
    if (part.name == "item_vectors" || part.name == "indexes") {
      bytes += part.value;
    }
  }
  EXPECT_NEAR(bytes / 1e6, 153, 153 * .02);
}

TEST(PlanEstimateTest, PartsFollowTheFormat) {
  const DeploymentPlan plan = MakePlan(PlannedParts({.items = 1000,
                                                     .users = 500,
                                                     .dim = 10,
                                                     .spaces = 2,
                                                     .stored_user_spaces = 1,
                                                     .history = 20,
                                                     .tables = 2,
                                                     .neighbors = 100,
                                                     .item_key_bytes = 12}),
                                       {.qps = 0});
  EXPECT_EQ(plan.ValueOf("item_keys"), 1000 * (12 + 8));
  EXPECT_EQ(plan.ValueOf("user_keys"), 500 * 8);
  EXPECT_EQ(plan.ValueOf("item_vectors"), 2 * 1000 * 10 * 2);
  EXPECT_EQ(plan.ValueOf("user_vectors"), 500 * 10 * 2);
  EXPECT_EQ(plan.ValueOf("histories"), 500 * (20 * 4 + 16));
  EXPECT_EQ(plan.ValueOf("neighbors"), 2 * 1000 * 100 * 6);
  EXPECT_EQ(plan.ValueOf("popularity"), 1000 * 8);
  double sum = 0;
  for (const PlanLine& part : plan.version) {
    if (part.name != "version") sum += part.value;
  }
  EXPECT_EQ(plan.ValueOf("version"), sum);
  EXPECT_TRUE(plan.load.empty());
}

// docs/performance.md: 4 cores answer 14 761 calls/s of 500 candidates, by two
// searches of a million items of 64 dimensions.
TEST(PlanEstimateTest, ACallTakesWhatWasMeasured) {
  const PlannedLoad load = {
      .qps = 14'761, .items = 1e6, .utilisation = 1, .cores = 2.5};
  const DeploymentPlan plan = MakePlan({}, load);
  EXPECT_NEAR(plan.ValueOf("cores"), 4, .05);
  EXPECT_EQ(plan.ValueOf("replicas"), 3);
  PlannedLoad half = load;
  half.utilisation = .5;
  EXPECT_NEAR(MakePlan({}, half).ValueOf("cores"), 8, .1);
}

TEST(PlanEstimateTest, AServerHoldsThreeVersionsAndThoseWithLabels) {
  const std::vector<PlanLine> parts = {{.name = "x", .value = 1e9}};
  const DeploymentPlan plain = MakePlan(parts, {.bandwidth = 1e8});
  const DeploymentPlan labelled =
      MakePlan(parts, {.labels = 2, .bandwidth = 1e8});
  EXPECT_EQ(plain.ValueOf("other_versions"), 2e9);
  EXPECT_EQ(labelled.ValueOf("other_versions"), 4e9);
  EXPECT_EQ(plain.ValueOf("disk"), 3e9);
  EXPECT_EQ(labelled.ValueOf("disk"), 5e9);
  EXPECT_EQ(plain.ValueOf("download"), 10);
}

TEST(PlanEstimateTest, FilesAreCountedOnceEach) {
  v1::Manifest manifest;
  double sum = 0;
  for (const char* const name :
       {"items.keys.npy", "users.keys.npy", "users.segments.npy",
        "items.categories.npy", "seen.rows.npy", "als.items.npy",
        "als.users.npy", "als.ivf.codes.npy", "als.index", "popularity.all.npy",
        "neighbors.x.rows.npy", "attribute.price.codes.npy",
        "behavior.history.npy"}) {
    v1::FileEntry& file = *manifest.add_files();
    file.set_name(name);
    file.set_size_bytes(100);
    sum += 100;
  }
  const DeploymentPlan plan = MakePlan(PartsOf(manifest), {});
  EXPECT_EQ(plan.ValueOf("version"), sum);
  EXPECT_EQ(plan.ValueOf("users"), 200);
  EXPECT_EQ(plan.ValueOf("indexes"), 200);
  EXPECT_EQ(plan.ValueOf("other"), 100);
}

}  // namespace
}  // namespace tributary
