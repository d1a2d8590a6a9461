// Features of requests in user towers. Expected values come from
// FeatureTowerBundle's own computation.
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/tower/feature_inputs.h"
#include "index/tower/user_tower.h"
#include "tests/index/tower/feature_tower_bundle.h"

namespace tributary {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointwise;

constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

testing::Matcher<std::vector<float>> Near(const std::vector<float>& expected) {
  return Pointwise(FloatNear(1e-5F), expected);
}

class UserFeaturesTest : public testing::Test {
 protected:
  // The query vector; empty if none.
  std::vector<float> Encode(Row user, const std::vector<Row>& history,
                            const std::vector<UserFeature>& features) {
    std::vector<float> vector;
    if (!tower_->Encode(user, history, features, &vector)) return {};
    return vector;
  }

  const std::shared_ptr<const Bundle> bundle_ = FeatureTowerBundle().Open();
  const std::unique_ptr<UserTower> tower_ =
      UserTower::Open(*bundle_, bundle_->spaces()[0]).value();
  const std::vector<std::string_view> paris_ = {"paris"};
  const std::vector<std::string_view> atlantis_ = {"atlantis"};
  // One that training saw twice in a row counts twice.
  const std::vector<std::string_view> several_ = {"rome", "atlantis", "lima",
                                                  "rome"};
};

TEST_F(UserFeaturesTest, WithoutThemTheStoredContextCounts) {
  EXPECT_THAT(Encode(0, {}, {}), Near(QueryOf(UserTen())));
  EXPECT_THAT(Encode(1, {2}, {}), Near(QueryOf(UserTwenty(), {2, 0})));
  EXPECT_THAT(Encode(2, {2}, {}), Near(QueryOf(TowerUser(), {2, 0})));
  EXPECT_THAT(Encode(2, {}, {}), IsEmpty());
}

TEST_F(UserFeaturesTest, AKnownValueIsEnoughForAnUnknownUser) {
  EXPECT_THAT(Encode(kNoRow, {}, {{"city", paris_}}),
              Near(QueryOf({.cities = {"paris"}})));
  EXPECT_THAT(Encode(kNoRow, {}, {{"age", {}, -4}}),
              Near(QueryOf({.age = -4})));
  EXPECT_THAT(Encode(2, {}, {{"age", {}, 20}, {"city", several_}}),
              Near(QueryOf({.cities = {"lima", "rome", "rome"}, .age = 20})));
  EXPECT_THAT(Encode(kNoRow, {3}, {{"city", paris_}}),
              Near(QueryOf({.cities = {"paris"}}, {0, 3})));
}

TEST_F(UserFeaturesTest, NothingKnownIsNothingToEncode) {
  EXPECT_THAT(Encode(kNoRow, {}, {{"city", atlantis_}}), IsEmpty());
  EXPECT_THAT(Encode(kNoRow, {}, {{"age", {}, kNoNumber}}), IsEmpty());
  EXPECT_THAT(Encode(kNoRow, {}, {{"height", paris_, 3}}), IsEmpty());
  // The member that the tower does not read counts for nothing.
  EXPECT_THAT(Encode(kNoRow, {}, {{"city", {}, 3}}), IsEmpty());
  EXPECT_THAT(Encode(kNoRow, {}, {{"age", paris_}}), IsEmpty());
}

TEST_F(UserFeaturesTest, TheyReplaceTheirPartsOfTheStoredContext) {
  EXPECT_THAT(Encode(0, {}, {{"age", {}, 50}}),
              Near(QueryOf({.id = 1, .cities = {"paris"}, .age = 50})));
  EXPECT_THAT(Encode(1, {}, {{"city", several_}}),
              Near(QueryOf({.id = -2, .cities = {"lima", "rome", "rome"}})));
}

TEST_F(UserFeaturesTest, UnknownAndMissingValuesAreThoseOfTraining) {
  EXPECT_THAT(Encode(0, {}, {{"city", atlantis_}}),
              Near(QueryOf({.id = 1, .age = 30})));
  EXPECT_THAT(Encode(0, {}, {{"city", {}}}),
              Near(QueryOf({.id = 1, .age = 30})));
  EXPECT_THAT(Encode(0, {}, {{"age", {}, kNoNumber}}),
              Near(QueryOf({.id = 1, .cities = {"paris"}})));
}

TEST_F(UserFeaturesTest, TellsWhatItTakesAndKnows) {
  const auto takes = [&](const std::vector<UserFeature>& features) {
    return tower_->TakesAny(features);
  };
  const auto knows = [&](const std::vector<UserFeature>& features) {
    return tower_->KnowsAny(features);
  };
  EXPECT_FALSE(takes({}));
  // The id has no name.
  EXPECT_FALSE(takes({{"", paris_}}));
  EXPECT_FALSE(takes({{"aged", {}, 3}}));
  EXPECT_TRUE(takes({{"aged", {}, 3}, {"city", {}}}));
  EXPECT_FALSE(knows({{"aged", {}, 3}, {"city", atlantis_}}));
  EXPECT_TRUE(knows({{"aged", {}, 3}, {"city", several_}}));
  EXPECT_TRUE(knows({{"age", {}, 3}, {"city", atlantis_}}));
}

// Features equal to the stored ones give the stored user's vector, whatever the
// tables are.
TEST(UserFeatures, EqualToTheStoredOnesGiveTheStoredVector) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 20; ++round) {
    FeatureTowerBundle description;
    description.arrays["w"].values.assign(12, 0);
    for (const char* name : {"w", "taste.user_tower.1"}) {
      for (float& value : description.arrays[name].values) {
        value = normal(random);
      }
    }
    const auto& table = description.arrays["taste.user_tower.1"].values;
    const auto& names = description.keys["taste.user_tower.1"].strings;
    std::vector<float>& stored = description.arrays["taste.context"].values;
    std::vector<std::vector<std::string_view>> cities(2);
    std::vector<float> ages;
    for (size_t user = 0; user < 2; ++user) {
      float sums[2] = {0, 0};
      for (size_t i = 0; i < names.size(); ++i) {
        if (random() % 2 == 0) continue;
        cities[user].push_back(names[i]);
        for (size_t c = 0; c < 2; ++c) sums[c] += table[2 * (i + 1) + c];
      }
      for (size_t c = 0; c < 2; ++c) {
        stored[4 * user + 1 + c] =
            cities[user].empty()
                ? table[c]
                : sums[c] / static_cast<float>(cities[user].size());
      }
      stored[4 * user] = normal(random);
      ages.push_back(random() % 3 == 0 ? kNoNumber : 30 * normal(random));
      TowerUser with_age;
      if (std::isfinite(ages[user])) with_age.age = ages[user];
      stored[4 * user + 3] = ContextOf(with_age)[3];
    }
    const auto bundle = description.Open();
    const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
    ASSERT_TRUE(tower.ok()) << tower.status();
    std::vector<float> by_store, by_features;
    for (Row user = 0; user < 2; ++user) {
      const std::vector<UserFeature> features = {{"age", {}, ages[user]},
                                                 {"city", cities[user]}};
      ASSERT_TRUE((*tower)->Encode(user, {}, &by_store));
      ASSERT_TRUE((*tower)->Encode(user, {}, features, &by_features));
      EXPECT_THAT(by_features, Near(by_store)) << round;
    }
  }
}

TEST(UserFeatures, OpeningNamesTheWrongFieldOrFile) {
  const auto expect =
      [](const std::string& what,
         const std::function<void(FeatureTowerBundle*)>& change) {
        FeatureTowerBundle description;
        change(&description);
        const auto bundle = description.Open();
        const absl::Status status =
            UserTower::Open(*bundle, bundle->spaces()[0]).status();
        EXPECT_FALSE(status.ok()) << what;
        EXPECT_THAT(std::string(status.message()), HasSubstr(what));
      };
  expect("userTower.features: 5 values together, but contextDim is 4",
         [](auto* b) {
           v1::FeatureInput& added = *b->tower().add_features();
           added.set_kind(v1::FeatureInput::NUMBER);
           added.set_dim(1);
         });
  expect("userTower.features[2].kind: SPACE_VECTOR", [](auto* b) {
    b->tower().mutable_features(2)->set_kind(v1::FeatureInput::SPACE_VECTOR);
  });
  expect("userTower.features[2].kind: unknown",
         [](auto* b) { b->tower().mutable_features(2)->clear_kind(); });
  expect("userTower.features: 1025 features, expected 0 to 1024", [](auto* b) {
    while (b->tower().features_size() <= 1024) b->tower().add_features();
  });
  expect("userTower.features[2].dim: 2, expected 1 to 1",
         [](auto* b) { b->tower().mutable_features(2)->set_dim(2); });
  expect("taste.user_tower.1.npy: shape (4, 2)",
         [](auto* b) { b->tower().mutable_features(1)->set_dim(1); });
  expect("\"taste.user_tower.0.npy\" is not in",
         [](auto* b) { b->arrays.erase("taste.user_tower.0"); });
  expect("taste.user_tower.1.keys.utf8 is not listed",
         [](auto* b) { b->keys.clear(); });
  expect("taste.user_tower.1.npy: value 3 is nan", [](auto* b) {
    b->arrays["taste.user_tower.1"].values[3] = kNoNumber;
  });
}

TEST(CheckTowers, EncodesTheFeaturesOfTheGoldenQueries) {
  FeatureTowerBundle description;
  v1::GoldenQuery& golden = *description.manifest.add_golden_queries();
  golden.set_space("taste");
  for (int i = 0; i < 3; ++i) golden.add_features();
  golden.mutable_features(1)->add_categories("rome");
  golden.mutable_features(1)->add_categories("paris");
  golden.mutable_features(2)->set_number(41);
  const std::vector<float> vector =
      QueryOf({.cities = {"paris", "rome"}, .age = 41});
  golden.mutable_vector()->Add(vector.begin(), vector.end());
  EXPECT_TRUE(CheckTowers(*description.Open()).ok())
      << CheckTowers(*description.Open());
  golden.mutable_features(2)->set_number(42);
  EXPECT_THAT(std::string(CheckTowers(*description.Open()).message()),
              HasSubstr("space taste: golden query 0: the tower's vector of "
                        "the query's history and features"));
  golden.mutable_features(2)->clear_number();
  golden.mutable_features(1)->clear_categories();
  EXPECT_THAT(std::string(CheckTowers(*description.Open()).message()),
              HasSubstr("and none of its features"));
  golden.add_features();
  EXPECT_THAT(std::string(CheckTowers(*description.Open()).message()),
              HasSubstr("4 features, but the user tower has 3"));
}

}  // namespace
}  // namespace tributary
