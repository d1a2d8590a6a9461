#include "index/train/towers/tower_features.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/train/towers/towers_config.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
using Kind = FeatureColumn::Kind;

FeatureColumn Numbers(std::string name, std::vector<float> numbers) {
  return {std::move(name), Kind::kNumber, {}, std::move(numbers)};
}

FeatureColumn Tokens(std::string name, std::vector<std::string> text) {
  return {std::move(name), Kind::kTokens, std::move(text), {}};
}

absl::StatusOr<TowerInputs> Make(const std::vector<FeatureColumn>& features,
                                 const v1::TowerSide& side = {}) {
  v1::Towers towers;
  *towers.mutable_item() = side;
  if (!side.has_id_dim()) towers.mutable_item()->set_id_dim(0);
  EXPECT_TRUE(CompleteTowers(&towers).ok());
  const std::vector<bool> trained = {true, false, true};
  return MakeTowerInputs(
      towers.item(), {"behavior.towers.item", 3, features, trained, nullptr});
}

v1::TowerSide With(const std::string& column, const std::string& transform) {
  v1::TowerSide side;
  v1::TowerFeature& feature = *side.add_features();
  feature.set_column(column);
  if (!transform.empty()) feature.set_transform(transform);
  return side;
}

TEST(MakeTowerInputs, NumbersAreStandardisedAndMissingOnesAreTheMean) {
  const auto inputs = Make({Numbers("price", {1, kNan, 3})});
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  ASSERT_EQ(inputs->columns.size(), 1);
  EXPECT_THAT(inputs->columns[0].values,
              ElementsAre(FloatNear(-1, 1e-6), 0, FloatNear(1, 1e-6)));
}

TEST(MakeTowerInputs, MinMaxPutsNumbersFrom0To1AndMissingOnesAtTheMean) {
  const auto inputs =
      Make({Numbers("price", {1, kNan, 5})}, With("price", "min_max"));
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->columns[0].values, ElementsAre(0, 0.5, 1));
}

TEST(MakeTowerInputs, Log1pMakesEqualStepsOfEqualFactors) {
  const float step = std::sqrt(1.5F);
  const auto inputs =
      Make({Numbers("price", {0, 9, 99})}, With("price", "log1p"));
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->columns[0].values,
              ElementsAre(FloatNear(-step, 1e-5), FloatNear(0, 1e-5),
                          FloatNear(step, 1e-5)));
}

TEST(MakeTowerInputs, ColumnsThatTellNothingApartAreLeftOut) {
  const auto inputs =
      Make({Numbers("equal", {2, 2, 2}), Numbers("missing", {kNan, kNan, kNan}),
            Numbers("one", {kNan, 7, kNan}), Tokens("same", {"a", "a", "a"}),
            Tokens("none", {"", "", ""})});
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->columns, IsEmpty());
}

TEST(MakeTowerInputs, CategoriesHaveIdsFrom1InTheOrderOfTheirNames) {
  const auto inputs = Make({Tokens("genre", {"b\x1f"
                                             "a",
                                             "", "c"})});
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  const TowerColumn& column = inputs->columns[0];
  EXPECT_EQ(column.ids, 4);
  EXPECT_THAT(column.offsets, ElementsAre(0, 2, 2, 3));
  EXPECT_THAT(column.bags, ElementsAre(2, 1, 3));
  EXPECT_THAT(inputs->categories[0].strings, ElementsAre("a", "b", "c"));
}

TEST(MakeTowerInputs, RowsWithoutInteractionsHaveNoIdOfTheirOwn) {
  v1::TowerSide side;
  side.set_id_dim(4);
  const auto inputs = Make({}, side);
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->columns[0].offsets, ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(inputs->columns[0].bags, ElementsAre(1, 3));
}

TEST(MakeTowerInputs, NamesTheColumnWhoseSettingDoesNotFit) {
  const std::vector<FeatureColumn> features = {
      Numbers("price", {1, 2, 3}), Tokens("genre", {"a", "b", "c"}),
      FeatureColumn{"title", Kind::kText, {"x", "y", "z"}, {}}};
  v1::TowerSide sized = With("price", "");
  sized.mutable_features(0)->set_dim(3);
  for (const auto& [side, column] :
       {std::pair{With("color", ""), "\"color\""},
        std::pair{With("title", ""), "\"title\""},
        std::pair{With("genre", "log1p"), "\"genre\""},
        std::pair{sized, "\"price\""}}) {
    const auto inputs = Make(features, side);
    EXPECT_EQ(inputs.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(inputs.status().message()), HasSubstr(column));
  }
}

}  // namespace
}  // namespace tributary
