// What interactions weigh changes everything that is trained or counted, and
// what users rejected counts as wanted nowhere.
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/data/feedback.h"
#include "index/data/random.h"
#include "index/train/als/als_trainer.h"
#include "index/train/content/content_trainer.h"
#include "index/train/history/history_tower_trainer.h"
#include "index/train/neighbors/neighbor_lists.h"
#include "index/train/popularity.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint32_t kUsers = 60;
constexpr uint32_t kItems = 20;
constexpr int64_t kDay_s = 86400;
constexpr int64_t kNow_s = 20'000 * kDay_s;
// Everybody has seen it, and nobody wanted it.
constexpr Row kRejected = 7;

// Users of two tastes, whose events are views and, of every third item,
// purchases; and the rejected item, which is disliked.
DataSet Shop() {
  DataSetBuilder builder;
  const size_t segment =
      builder.user_features.AddColumn("segment", FeatureColumn::Kind::kTokens);
  const size_t color =
      builder.item_features.AddColumn("color", FeatureColumn::Kind::kTokens);
  const auto key = [](uint32_t i) { return std::string(1, char('A' + i)); };
  for (uint32_t item = 0; item < kItems; ++item) {
    builder.items.Add(key(item));
    builder.item_features.Set(color, item, item % 3 == 0 ? "red" : "blue");
  }
  Random random(5);
  for (uint32_t user = 0; user < kUsers; ++user) {
    builder.users.Add(key(user));
    builder.user_features.Set(segment, user, user % 2 == 0 ? "even" : "odd");
    for (uint32_t item = 0; item < kItems; ++item) {
      const bool own = user % 2 == item % 2;
      const int64_t time_s =
          kNow_s - static_cast<int64_t>(random.Below(30)) * kDay_s;
      if (item == kRejected) {
        builder.AddInteraction(user, item, -1, time_s, "dislike");
      } else if (random.Uniform() < (own ? .6 : .1)) {
        builder.AddInteraction(user, item, 1, time_s,
                               random.Below(3) == 0 ? "buy" : "view");
      }
    }
  }
  return std::move(builder).Finish();
}

DataSet Weighted(DataSet data, double buy) {
  v1::Feedback feedback;
  (*feedback.mutable_type_weights())["buy"] = buy;
  EXPECT_TRUE(ApplyFeedback(feedback, &data).ok());
  return data;
}

v1::BuildConfig Config() {
  v1::BuildConfig config;
  config.set_threads(2);
  config.mutable_als()->set_dim(8);
  config.mutable_als()->set_alpha(20);
  config.mutable_als()->set_regularization(.01);
  config.mutable_content()->set_dim(4);
  v1::HistoryTower& history = *config.mutable_behavior()->mutable_history();
  history.set_dim(8);
  history.set_epochs(5);
  config.mutable_popularity()->set_min_segment_interactions(1);
  config.mutable_popularity()->set_min_category_interactions(1);
  return *CompleteBuildConfig(config);
}

// What is learned or counted, as numbers.
using Learned = std::vector<float>;

Learned Space(const Trainer& trainer, const DataSet& data) {
  const auto space = trainer.Train(data);
  EXPECT_TRUE(space.ok()) << space.status();
  Learned learned = space->items.values;
  learned.insert(learned.end(), space->users.values.begin(),
                 space->users.values.end());
  return learned;
}

Learned Table(const NeighborMethod& method, const DataSet& data) {
  return MakeNeighborLists(NeighborInput(data, Config()), method).scores;
}

// The scores of the lists whose names begin so, by item.
Learned Lists(std::string_view prefix, const DataSet& data) {
  const auto counted = CountPopularity(data, Config().popularity());
  EXPECT_TRUE(counted.ok()) << counted.status();
  Learned learned;
  for (const CountedList& list : counted->lists) {
    if (!list.name.starts_with(prefix)) continue;
    std::vector<float> scores(kItems);
    for (size_t i = 0; i < list.rows.size(); ++i) {
      scores[list.rows[i]] = list.scores[i];
    }
    learned.insert(learned.end(), scores.begin(), scores.end());
  }
  EXPECT_THAT(learned, Not(IsEmpty())) << prefix;
  return learned;
}

struct Learner {
  std::string name;
  std::function<Learned(const DataSet&)> learn;
};

std::vector<Learner> Learners() {
  using Kind = NeighborMethod::Kind;
  const auto none = [](std::string_view, double) {};
  const v1::BuildConfig config = Config();
  std::vector<Learner> learners = {
      {"als",
       [=](const DataSet& data) {
         return Space(AlsTrainer(config.als(), 1, 2, none), data);
       }},
      {"content",
       [=](const DataSet& data) {
         return Space(ContentTrainer(config.content(), 1, 2, none), data);
       }},
      {"history", [=](const DataSet& data) {
         return Space(
             HistoryTowerTrainer(config.behavior().history(), 1, 2, none),
             data);
       }}};
  for (const ItemWeighting weighting :
       {ItemWeighting::kCosine, ItemWeighting::kTfidf, ItemWeighting::kBm25}) {
    learners.push_back(
        {"item_item " + std::to_string(static_cast<int>(weighting)),
         [=](const DataSet& data) {
           return Table({.kind = Kind::kItemItem, .weighting = weighting},
                        data);
         }});
  }
  for (const auto& [name, kind] :
       {std::pair("ease", Kind::kEase), std::pair("covisit", Kind::kCovisit)}) {
    learners.push_back({name, [kind = kind](const DataSet& data) {
                          return Table({.kind = kind}, data);
                        }});
  }
  for (const char* prefix : {"all", "trending", "segment=", "items-color="}) {
    learners.push_back(
        {prefix, [=](const DataSet& data) { return Lists(prefix, data); }});
  }
  return learners;
}

TEST(Weights, ChangeEverythingThatIsLearned) {
  const DataSet data = Shop();
  for (const Learner& learner : Learners()) {
    const Learned equal = learner.learn(data);
    EXPECT_EQ(learner.learn(Weighted(data, 1)), equal) << learner.name;
    EXPECT_NE(learner.learn(Weighted(data, 5)), equal) << learner.name;
  }
}

TEST(Weights, OfRejectionsAreNoPopularity) {
  const DataSet data = Shop();
  for (const char* prefix : {"all", "trending", "segment=", "items-color="}) {
    const Learned scores = Lists(prefix, data);
    for (size_t i = kRejected; i < scores.size(); i += kItems) {
      EXPECT_EQ(scores[i], 0) << prefix;
    }
  }
}

TEST(Weights, OfRejectionsAreNoNeighborsAndNoVectors) {
  const DataSet data = Shop();
  using Kind = NeighborMethod::Kind;
  for (const Kind kind : {Kind::kItemItem, Kind::kEase, Kind::kCovisit}) {
    EXPECT_THAT(
        MakeNeighborLists(NeighborInput(data, Config()), {.kind = kind}).rows,
        Each(Not(kRejected)));
  }
  const auto none = [](std::string_view, double) {};
  const auto als = AlsTrainer(Config().als(), 1, 2, none).Train(data);
  ASSERT_TRUE(als.ok()) << als.status();
  EXPECT_THAT(als->items.rows, Not(Contains(kRejected)));
  const auto history =
      HistoryTowerTrainer(Config().behavior().history(), 1, 2, none)
          .Train(data);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_THAT(history->items.rows, Not(Contains(kRejected)));
}

// Two users of one taste; the second rejected an item that the others like.
TEST(Weights, OfARejectionLowerTheUsersScoreForTheItem) {
  const auto score = [](float value) {
    DataSetBuilder builder;
    for (uint32_t i = 0; i < 12; ++i) {
      builder.users.Add(std::to_string(i));
      builder.items.Add(std::to_string(i));
    }
    for (uint32_t user = 0; user < 12; ++user) {
      for (uint32_t item = 0; item < 6; ++item) {
        if (user == 11 && item == 5) continue;
        builder.AddInteraction(user, item, 1, 0);
      }
    }
    if (value != 0) builder.AddInteraction(11, 5, value, 0);
    const auto none = [](std::string_view, double) {};
    const DataSet data = std::move(builder).Finish();
    const auto space = AlsTrainer(Config().als(), 1, 2, none).Train(data);
    EXPECT_TRUE(space.ok()) << space.status();
    // Keys are numbers, so that rows are keys.
    const float* const user = &space->users.values[11 * space->dim];
    return std::inner_product(user, user + space->dim,
                              &space->items.values[5 * space->dim], 0.0);
  };
  EXPECT_LT(score(-1), score(0));
  EXPECT_LT(score(0), score(1));
}

TEST(Weights, PutWhatIsBoughtBeforeWhatIsLookedAt) {
  DataSetBuilder builder;
  for (int user = 0; user < 7; ++user) {
    const uint32_t number = builder.users.Add("u" + std::to_string(user));
    builder.AddInteraction(number, builder.items.Add("looked at"), 1, 0,
                           "view");
    if (user % 2 == 0) {
      builder.AddInteraction(number, builder.items.Add("bought"), 1, 0, "buy");
    }
  }
  const DataSet data = std::move(builder).Finish();
  const auto first = [](const DataSet& counted) {
    const auto popularity = CountPopularity(counted, Config().popularity());
    return counted.items.text(popularity->lists[0].rows[0]);
  };
  EXPECT_EQ(first(data), "looked at");
  EXPECT_EQ(first(Weighted(data, 3)), "bought");
}

// One program's thousand requests, and fifty people.
TEST(Weights, OfAThousandRepeatsAreLessThanThoseOfFiftyPeople) {
  for (const bool times : {false, true}) {
    DataSetBuilder builder;
    const auto add = [&](std::string_view user, std::string_view item, int i) {
      builder.AddInteraction(builder.users.Add(user), builder.items.Add(item),
                             1, times ? kNow_s + i : 0);
    };
    for (int i = 0; i < 1000; ++i) add("bot", "X", i);
    for (int i = 0; i < 50; ++i) add(std::to_string(i), "Y", 0);
    const DataSet data = std::move(builder).Finish();
    const auto popularity = CountPopularity(data, Config().popularity());
    ASSERT_TRUE(popularity.ok()) << popularity.status();
    for (const CountedList& list : popularity->lists) {
      EXPECT_EQ(data.items.text(list.rows[0]), "Y") << list.name;
    }
  }
}

}  // namespace
}  // namespace tributary
