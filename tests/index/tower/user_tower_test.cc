#include "index/tower/user_tower.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/tower/accumulate.h"
#include "tests/index/tower/tower_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointwise;

// The query vectors that the tower makes from a history; empty if none.
std::vector<float> Encode(const TowerBundle& description,
                          const std::vector<Row>& history, Row user = kNoRow) {
  const auto bundle = description.Open();
  const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
  EXPECT_TRUE(tower.ok()) << tower.status();
  std::vector<float> vectors = {7, 7, 7};
  if (!(*tower)->Encode(user, history, &vectors)) return {};
  return vectors;
}

testing::Matcher<std::vector<float>> Near(const std::vector<float>& expected) {
  return Pointwise(FloatNear(1e-6F), expected);
}

TEST(UserTower, DividesTheWeightedSumByTheNormOfTheWeights) {
  // Row 4 is the newest; rows 4, 2 and 1 have the weights 1, 1/2 and 1/3.
  const float norm = std::sqrt(1 + 1.0F / 4 + 1.0F / 9);
  EXPECT_THAT(Encode(TowerBundle(), {1, 2, 4}),
              Near({5 / norm, (4 + 1.0F / 3) / norm}));
}

TEST(UserTower, AppliesADecayToEachPartOfTheColumns) {
  TowerBundle description;
  description.tower().mutable_history()->add_decays(2);
  // The weights are 1, 1/2, 1/3 for the first column and 1, 1/4, 1/9 for the
  // second.
  const float first = std::sqrt(1 + 1.0F / 4 + 1.0F / 9);
  const float second = std::sqrt(1 + 1.0F / 16 + 1.0F / 81);
  EXPECT_THAT(Encode(description, {1, 2, 4}),
              Near({5 / first, (4 + 1.0F / 9) / second}));
}

TEST(DecayedSums, GiveTheLastPartTheRemainingColumns) {
  EXPECT_EQ(PartBegin(127, 2, 1), 64);
  EXPECT_EQ(PartBegin(127, 2, 2), 127);
  EXPECT_EQ(PartBegin(5, 4, 2), 4);
  EXPECT_EQ(PartBegin(5, 4, 3), 5);
}

TEST(UserTower, ItemsWithoutARowHaveNoRank) {
  EXPECT_EQ(Encode(TowerBundle(), {5, 1, 5, 4, 5, 1000}),
            Encode(TowerBundle(), {1, 4}));
}

TEST(UserTower, UsesTheNewestItemsOfALongHistory) {
  EXPECT_EQ(Encode(TowerBundle(), {3, 0, 1, 2, 4}),
            Encode(TowerBundle(), {0, 1, 2, 4}));
}

TEST(UserTower, TakesTheMeanIfTheSpecSaysSo) {
  TowerBundle description;
  auto& history = *description.tower().mutable_history();
  history.set_pooling(v1::HistoryInput::DECAYED_MEAN);
  history.clear_decays();
  EXPECT_THAT(Encode(description, {0, 1, 2, 3}), Near({0.75, 1}));
}

TEST(UserTower, MakesNoQueryWithoutAKnownItem) {
  EXPECT_THAT(Encode(TowerBundle(), {}), IsEmpty());
  EXPECT_THAT(Encode(TowerBundle(), {5}), IsEmpty());
}

TEST(UserTower, AppliesItsLayersInOrder) {
  TowerBundle description;
  description.arrays["w"] = {{3, 0, 0, -4, 1, 1}, 2};
  description.arrays["b"] = {{0, 1, -9}};
  description.arrays["w2"] = {{1, 0, 0, 1, 0, 1, 0, 5}, 4};
  description.arrays["b2"] = {{0, 0.5}};
  auto& linear = description.AddLayer(v1::Layer::LINEAR);
  linear.set_weights("w.npy");
  linear.set_bias("b.npy");
  description.AddLayer(v1::Layer::RELU);
  description.AddLayer(v1::Layer::L2_NORMALIZE);
  description.AddLayer(v1::Layer::APPEND_ONE);
  auto& last = description.AddLayer(v1::Layer::LINEAR);
  last.set_weights("w2.npy");
  last.set_bias("b2.npy");
  // Row 2 is (2, 0). The layers make (6, 1, -7), (6, 1, 0), a unit vector by
  // division by sqrt(37), and append a 1.
  const float norm = std::sqrt(37.0F);
  EXPECT_THAT(Encode(description, {2}),
              Near({6 / norm + 1, 1 / norm + 5 + 0.5F}));
}

TEST(UserTower, ContextIsTheUsersOrTheDefault) {
  TowerBundle description;
  description.tower().set_context_dim(1);
  description.tower().add_default_context(10);
  description.tower().set_context_vectors(1);
  description.arrays["taste.context"] = {{5}, 1};
  description.rows["taste.context.rows"] = {1};
  description.arrays["w"] = {{1, 0, 0, 0, 1, 1}, 3};
  description.arrays["b"] = {{0, 0}};
  auto& linear = description.AddLayer(v1::Layer::LINEAR);
  linear.set_weights("w.npy");
  linear.set_bias("b.npy");
  EXPECT_THAT(Encode(description, {0}), ElementsAre(1, 10));
  EXPECT_THAT(Encode(description, {0}, 0), ElementsAre(1, 10));
  EXPECT_THAT(Encode(description, {0}, 1), ElementsAre(1, 5));
  EXPECT_THAT(Encode(description, {}, 1), ElementsAre(0, 5));
  EXPECT_THAT(Encode(description, {}, 0), IsEmpty());
}

TEST(UserTower, NamesTheWrongFieldOrFile) {
  const auto expect = [](const std::string& what,
                         const std::function<void(TowerBundle*)>& change) {
    TowerBundle description;
    change(&description);
    const auto bundle = description.Open();
    const absl::Status status = CheckTowers(*bundle);
    EXPECT_FALSE(status.ok()) << what;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  };
  const auto history = [](TowerBundle* b) {
    return b->tower().mutable_history();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect("userTower: neither a history nor a context",
         [](TowerBundle* b) { b->tower().clear_history(); });
  expect("userTower.history.pooling",
         [&](TowerBundle* b) { history(b)->clear_pooling(); });
  expect("userTower.history.decays[1]: nan",
         [&](TowerBundle* b) { history(b)->add_decays(nan); });
  expect("userTower.history.decays: 3, expected 0 to 2", [&](TowerBundle* b) {
    history(b)->add_decays(1);
    history(b)->add_decays(1);
  });
  expect("userTower.history.maxItems: 0",
         [&](TowerBundle* b) { history(b)->set_max_items(0); });
  expect("taste.history.npy: shape (5, 2)",
         [&](TowerBundle* b) { history(b)->set_item_vectors(4); });
  expect("taste.history.npy is not listed",
         [](TowerBundle* b) { b->arrays.erase("taste.history"); });
  expect("taste.history.npy: vector 2, coordinate 1: nan",
         [&](TowerBundle* b) { b->arrays["taste.history"].values[5] = nan; });
  expect("taste.history.rows.npy: entry 1 is 0", [](TowerBundle* b) {
    b->rows["taste.history.rows"] = {0, 0, 1, 2, 3};
  });
  expect("the layers make 3 values of 2, but the space needs 2",
         [](TowerBundle* b) { b->AddLayer(v1::Layer::APPEND_ONE); });
  expect("the layers make 2 values of 2, but the space needs 4",
         [](TowerBundle* b) { b->tower().set_interests(2); });
  expect("userTower.layers[0].kind",
         [](TowerBundle* b) { b->tower().add_layers(); });
  expect("userTower.defaultContext: 1",
         [](TowerBundle* b) { b->tower().add_default_context(1); });
  const auto linear = [](TowerBundle* b) {
    b->AddLayer(v1::Layer::LINEAR).set_weights("w.npy");
    b->tower().mutable_layers(0)->set_bias("b.npy");
    b->arrays["w"] = {{1, 0, 0, 1}, 2};
    b->arrays["b"] = {{0, 0}};
  };
  expect("userTower.layers[0].weights: \"w.npy\" is not in",
         [&](TowerBundle* b) {
           linear(b);
           b->arrays.erase("w");
         });
  expect("w.npy: shape (1, 4)", [&](TowerBundle* b) {
    linear(b);
    b->arrays["w"].columns = 4;
  });
  expect("b.npy: shape (3, 1)", [&](TowerBundle* b) {
    linear(b);
    b->arrays["b"].values.push_back(0);
  });
  expect("w.npy: value 2 is nan", [&](TowerBundle* b) {
    linear(b);
    b->arrays["w"].values[2] = nan;
  });
}

TEST(CheckTowers, EncodesTheHistoriesOfTheGoldenQueries) {
  TowerBundle description;
  auto& golden = *description.manifest.add_golden_queries();
  golden.set_space("taste");
  golden.add_history(3);
  golden.add_vector(0);
  golden.add_vector(3.0001F);
  EXPECT_TRUE(CheckTowers(*description.Open()).ok());
  golden.set_vector(1, 3.01F);
  EXPECT_THAT(std::string(CheckTowers(*description.Open()).message()),
              HasSubstr("space taste: golden query 0: the tower's vector"));
}

TEST(AddScaled, AddsExactlyTheValuesGiven) {
  for (size_t n = 0; n < 70; ++n) {
    std::vector<float> values(n + 1, 2);
    std::vector<Half> halves(n + 1, Half{0x3e00});  // 1.5
    std::vector<float> sums(n + 1, 1);
    AddScaled(3, values.data(), n, sums.data());
    AddScaled(-2, halves.data(), n, sums.data());
    std::vector<float> expected(n, 1 + 6 - 3);
    expected.push_back(1);
    EXPECT_EQ(sums, expected) << n;
  }
}

}  // namespace
}  // namespace tributary
