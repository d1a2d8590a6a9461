#include "index/train/neighbors/neighbor_lists.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/data/random.h"
#include "index/train/neighbors/choose_neighbors.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Kind = NeighborMethod::Kind;

// One user's items, with times if `times` is as long.
struct History {
  std::vector<Row> items;
  std::vector<int64_t> times_s = {};
};

DataSet MakeData(size_t n_items, const std::vector<History>& histories) {
  DataSetBuilder builder;
  for (size_t i = 0; i < n_items; ++i) builder.items.Add(std::to_string(i));
  for (size_t u = 0; u < histories.size(); ++u) {
    const uint32_t user = builder.users.Add(std::to_string(u));
    for (size_t i = 0; i < histories[u].items.size(); ++i) {
      builder.AddInteraction(
          user, histories[u].items[i], 1,
          histories[u].times_s.empty() ? 0 : histories[u].times_s[i]);
    }
  }
  return std::move(builder).Finish();
}

v1::BuildConfig Config(uint32_t width = 10) {
  v1::BuildConfig config;
  config.set_threads(2);
  config.mutable_neighbors()->set_width(width);
  return *CompleteBuildConfig(config);
}

std::map<Row, float> ListOf(const NeighborLists& lists, Row item) {
  std::map<Row, float> list;
  for (size_t i = item * lists.width; i < (item + 1) * lists.width; ++i) {
    if (lists.rows[i] != kNoRow) list[lists.rows[i]] = lists.scores[i];
  }
  return list;
}

std::map<Row, float> ListOf(const DataSet& data, const NeighborMethod& method,
                            Row item, uint32_t width = 10) {
  const NeighborInput input(data, Config(width));
  return ListOf(MakeNeighborLists(input, method), item);
}

DataSet RandomData(size_t n_users, size_t n_items, size_t length) {
  Random random(7);
  std::vector<History> histories(n_users);
  for (History& history : histories) {
    for (size_t i = 0; i < length; ++i) {
      const double position = random.Uniform() * random.Uniform();
      history.items.push_back(
          static_cast<Row>(position * static_cast<double>(n_items)));
    }
  }
  return MakeData(n_items, histories);
}

TEST(Histories, HoldEveryWantedItemOnceAndNewestLast) {
  DataSetBuilder builder;
  for (const char* key : {"0", "1", "2", "3"}) builder.items.Add(key);
  builder.users.Add("a");  // nothing
  const uint32_t user = builder.users.Add("b");
  builder.AddInteraction(user, 0, 1, 10);
  builder.AddInteraction(user, 1, 1, 20);
  builder.AddInteraction(user, 2, 0, 25);  // not wanted
  builder.AddInteraction(user, 0, 1, 30);
  builder.AddInteraction(user, 3, 1, 5);
  const DataSet data = std::move(builder).Finish();
  const Histories histories = ListHistories(data, 10);
  EXPECT_THAT(histories.Of(0), IsEmpty());
  EXPECT_THAT(histories.Of(1), ElementsAre(3, 1, 0));
  EXPECT_THAT(histories.times_s, ElementsAre(5, 20, 30));
  EXPECT_THAT(ListHistories(data, 2).Of(1), ElementsAre(1, 0));
}

// Items 0 and 1 go together twice, 0 and 2 once; 3 is alone, 4 nobody's.
DataSet FewPairs() {
  return MakeData(5, {{{0, 1}}, {{1, 0}}, {{0, 2}}, {{2}}, {{3}}});
}

TEST(NeighborLists, CosineIsThatOfTheItemsUsers) {
  const NeighborMethod cosine{.weighting = ItemWeighting::kCosine};
  const DataSet data = FewPairs();
  EXPECT_THAT(ListOf(data, cosine, 0),
              ElementsAre(Pair(1, FloatNear(2 / std::sqrt(6.0f), 1e-6)),
                          Pair(2, FloatNear(1 / std::sqrt(6.0f), 1e-6))));
  EXPECT_THAT(ListOf(data, cosine, 3), IsEmpty());
  EXPECT_THAT(ListOf(data, cosine, 4), IsEmpty());
}

TEST(NeighborLists, TfidfWeighsUsersByHowFewItemsTheyHad) {
  // 0 and 1 share a user of two items, 0 and 2 one of three.
  const DataSet data = MakeData(5, {{{0, 1}}, {{0, 2, 3}}});
  const double two = std::log(5) - std::log(3);
  const double three = std::log(5) - std::log(4);
  const double norm = std::sqrt(two * two + three * three);
  const auto list = ListOf(data, {.weighting = ItemWeighting::kTfidf}, 0);
  EXPECT_NEAR(list.at(1), two / norm, 1e-6);
  EXPECT_NEAR(list.at(2), three / norm, 1e-6);
}

TEST(NeighborLists, Bm25ComparesInnerProductsOfSaturatedWeights) {
  const DataSet data = MakeData(5, {{{0, 1}}, {{0, 2, 3}}});
  const double two = std::log(5) - std::log(3);
  // Items 0 and 1 occur in 2 and 1 histories, items in 1 on the mean.
  const double zero = 2.2 / (1.2 * (.25 + .75 * 2) + 1);
  const double one = 2.2 / (1.2 * (.25 + .75) + 1);
  EXPECT_NEAR(ListOf(data, {.weighting = ItemWeighting::kBm25}, 0).at(1),
              two * zero * two * one, 1e-6);
}

TEST(NeighborLists, KeepsTheBestOfTheWidth) {
  EXPECT_THAT(ListOf(FewPairs(), {.weighting = ItemWeighting::kCosine}, 0, 1),
              ElementsAre(Pair(1, testing::_)));
}

// The weights for item i of the others solve the normal equations of its ridge
// regression.
TEST(NeighborLists, EaseIsRidgeRegressionOfEachItemFromTheOthers) {
  constexpr Row kItems = 12;
  constexpr double kRidge = 3;
  const DataSet data = RandomData(60, kItems, 6);
  const NeighborInput input(data, Config(kItems));
  const NeighborLists lists =
      MakeNeighborLists(input, {.kind = Kind::kEase, .ridge = kRidge});
  double counts[kItems][kItems] = {};
  for (Row user = 0; user < input.histories.n_users(); ++user) {
    for (const Row a : input.histories.Of(user)) {
      for (const Row b : input.histories.Of(user)) ++counts[a][b];
    }
  }
  bool any_negative = false;
  for (Row i = 0; i < kItems; ++i) {
    double weights[kItems] = {};
    for (Row j = 0; j < kItems; ++j) {
      const auto list = ListOf(lists, j);
      const auto found = list.find(i);
      if (found != list.end()) weights[j] = found->second;
      any_negative |= weights[j] < 0;
    }
    EXPECT_EQ(weights[i], 0);
    for (Row a = 0; a < kItems; ++a) {
      if (a == i || counts[a][i] == 0) continue;
      double product = kRidge * weights[a];
      for (Row b = 0; b < kItems; ++b) product += counts[a][b] * weights[b];
      EXPECT_NEAR(product, counts[a][i], 1e-4) << a << " for " << i;
    }
  }
  EXPECT_TRUE(any_negative);
}

TEST(NeighborLists, CovisitCountsWhatCameAfterMoreThanWhatCameBefore) {
  constexpr int64_t kDay_s = 86400;
  const DataSet data =
      MakeData(4, {{{0, 1, 2, 3}, {10, 20, 30, 40 + 60 * kDay_s}}});
  const NeighborMethod method{.kind = Kind::kCovisit, .backward = 0.5};
  // Distance 2 counts 2^-.5; item 3 came after the window.
  EXPECT_THAT(
      ListOf(data, method, 0),
      ElementsAre(Pair(1, 1), Pair(2, FloatNear(std::sqrt(.5f), 1e-6))));
  EXPECT_THAT(ListOf(data, method, 1), ElementsAre(Pair(0, .5), Pair(2, 1)));
  EXPECT_THAT(ListOf(data, {.kind = Kind::kCovisit, .backward = 0}, 1),
              ElementsAre(Pair(2, 1)));
  EXPECT_THAT(ListOf(data, method, 3), IsEmpty());
  v1::BuildConfig config = Config();
  config.mutable_covisit()->set_window_items(1);
  EXPECT_THAT(ListOf(MakeNeighborLists(NeighborInput(data, config), method), 0),
              ElementsAre(Pair(1, 1)));
}

TEST(NeighborLists, DoNotDependOnTheNumberOfThreads) {
  const DataSet data = RandomData(300, 500, 20);
  for (const Kind kind : {Kind::kItemItem, Kind::kEase, Kind::kCovisit}) {
    NeighborInput input(data, Config());
    input.threads = 1;
    const NeighborLists one = MakeNeighborLists(input, {.kind = kind});
    input.threads = 4;
    const NeighborLists four = MakeNeighborLists(input, {.kind = kind});
    EXPECT_EQ(one.rows, four.rows) << NeighborName(kind);
    EXPECT_EQ(one.scores, four.scores) << NeighborName(kind);
  }
}

// Every user goes through the items in a ring, from anywhere, and a fifth of
// the way is held out: only the newest items say which of its two ends goes on.
DataSet RingData(bool has_times) {
  constexpr Row kItems = 1000;
  Random random(3);
  std::vector<History> histories(300);
  for (History& history : histories) {
    const uint64_t first = random.Below(kItems);
    for (uint64_t i = 0; i < 60; ++i) {
      history.items.push_back(static_cast<Row>((first + i) % kItems));
      if (has_times) history.times_s.push_back(static_cast<int64_t>(100 + i));
    }
  }
  return MakeData(kItems, histories);
}

std::vector<NeighborMethod> ChooseFor(const DataSet& data) {
  return ChooseNeighborMethods(data, Config(200), {}, IgnoreProgress);
}

TEST(ChooseNeighborMethods, PrefersTheNewestItemsWhereOrderMatters) {
  const auto methods = ChooseFor(RingData(/*has_times=*/true));
  ASSERT_EQ(methods.size(), 3);
  EXPECT_EQ(methods[0].kind, Kind::kItemItem);
  EXPECT_EQ(methods[1].kind, Kind::kEase);
  EXPECT_EQ(methods[2].kind, Kind::kCovisit);
  EXPECT_GT(methods[0].decay, 0);
  EXPECT_LT(methods[2].backward, 1);
}

TEST(ChooseNeighborMethods, KnowsNoOrderWithoutTimes) {
  const auto methods = ChooseFor(RingData(/*has_times=*/false));
  ASSERT_EQ(methods.size(), 2);
  EXPECT_EQ(methods[0].decay, 0);
  EXPECT_EQ(methods[1].decay, 0);
}

TEST(ChooseNeighborMethods, TakesWhatIsConfigured) {
  const DataSet data = RingData(/*has_times=*/true);
  v1::BuildConfig config;
  config.set_threads(2);
  config.mutable_neighbors()->add_tables("ease");
  config.mutable_neighbors()->set_ridge(17);
  const auto methods = ChooseNeighborMethods(data, *CompleteBuildConfig(config),
                                             {}, IgnoreProgress);
  ASSERT_EQ(methods.size(), 1);
  EXPECT_EQ(methods[0].kind, Kind::kEase);
  EXPECT_EQ(methods[0].ridge, 17);
}

TEST(ChooseNeighborMethods, KeepsWhatIsSettled) {
  const NeighborMethod settled{
      .kind = Kind::kCovisit, .backward = 0.3, .decay = 0.7};
  const auto methods = ChooseNeighborMethods(
      RingData(/*has_times=*/true), Config(200), {settled}, IgnoreProgress);
  ASSERT_EQ(methods.size(), 3);
  EXPECT_EQ(methods[2].kind, Kind::kCovisit);
  EXPECT_EQ(methods[2].backward, 0.3);
  EXPECT_EQ(methods[2].decay, 0.7);
}

TEST(ChooseNeighborMethods, HasFixedValuesWhenThereIsNothingToHoldOut) {
  const NeighborMethod fixed;
  for (const DataSet& data : {MakeData(1, {{{0}}}), MakeData(0, {}),
                              MakeData(3, {{{0, 1, 1}, {9, 9, 9}}, {{}}})}) {
    const auto methods = ChooseFor(data);
    ASSERT_GE(methods.size(), 2);
    EXPECT_EQ(methods[0].weighting, fixed.weighting);
    EXPECT_EQ(methods[1].ridge, fixed.ridge);
    const NeighborInput input(data, Config());
    for (const NeighborMethod& method : methods) {
      EXPECT_EQ(MakeNeighborLists(input, method).rows.size(),
                10 * data.items.size());
    }
  }
}

}  // namespace
}  // namespace tributary
