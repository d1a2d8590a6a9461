#include "index/data/feedback.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/data_set_builder.h"
#include "index/data/value_condition.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay_s = 86400;
constexpr int64_t kNow_s = 20'000 * kDay_s;

// What one user did with items of their own, unless `item` says which.
struct Event {
  float value = NAN;
  std::string type = "";
  int64_t time_s = 0;
  int item = -1;
};

DataSet MakeData(const std::vector<Event>& events, std::string name = "") {
  DataSetBuilder builder;
  builder.value_name = std::move(name);
  const uint32_t user = builder.users.Add("u");
  int next = 0;
  for (const Event& event : events) {
    const int item = event.item < 0 ? 100 + next++ : event.item;
    EXPECT_EQ(
        builder.AddInteraction(user, builder.items.Add(std::to_string(item)),
                               event.value, event.time_s, event.type),
        "");
  }
  return std::move(builder).Finish();
}

// Weights in the order of time, then input.
std::vector<float> Weights(DataSet data, const v1::Feedback& feedback = {}) {
  const absl::Status status = ApplyFeedback(feedback, &data);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<float> weights;
  for (const Interaction& one : data.interactions) {
    weights.push_back(one.weight);
  }
  return weights;
}

std::string ErrorOf(DataSet data, const v1::Feedback& feedback) {
  const absl::Status status = ApplyFeedback(feedback, &data);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

v1::Feedback Conditions(std::string positive, std::string negative = "") {
  v1::Feedback feedback;
  feedback.set_positive(std::move(positive));
  feedback.set_negative(std::move(negative));
  return feedback;
}

// Two users' worth of each rating, most of them high.
std::vector<Event> Stars() {
  return {{0}, {1}, {2}, {2}, {3}, {4}, {4}, {4}, {5}, {5}, {-1}};
}

TEST(ValueCondition, HoldsAsItIsWritten) {
  const std::vector<std::pair<std::string, std::vector<bool>>> cases = {
      {"value > 4", {false, false, true}},
      {"value>=4", {false, true, true}},
      {"  value  <  4 ", {true, false, false}},
      {"value <= 4", {true, true, false}},
      {"value = 4", {false, true, false}},
      {"value == 4", {false, true, false}},
      {"value != 4", {true, false, true}}};
  for (const auto& [text, holds] : cases) {
    const auto condition = ParseValueCondition("x", text);
    ASSERT_TRUE(condition.ok()) << condition.status();
    EXPECT_EQ(condition->Holds(3.5F), holds[0]) << text;
    EXPECT_EQ(condition->Holds(4), holds[1]) << text;
    EXPECT_EQ(condition->Holds(4.5F), holds[2]) << text;
  }
  EXPECT_TRUE(ParseValueCondition("x", "value >= 4.1")->Holds(4.1F));
}

TEST(ValueCondition, NamesTheFieldOfWhatItCannotRead) {
  for (const char* text : {"", "4", "value", "value >= ", "value ~ 4",
                           "rating > 4", "value > four", "value > inf",
                           "value > 4 and value < 9", "value => 4"}) {
    const auto condition = ParseValueCondition("feedback.positive", text);
    ASSERT_EQ(condition.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(condition.status().message()),
                HasSubstr("feedback.positive"));
  }
}

TEST(Feedback, WithoutValuesAndTypesAllWeighOne) {
  EXPECT_THAT(Weights(MakeData({{}, {1}, {}})), ElementsAre(1, 1, 1));
}

TEST(Feedback, ByDefaultTheSignOfTheValueDecides) {
  EXPECT_THAT(Weights(MakeData({{500}, {1}, {0}, {-3}, {}})),
              ElementsAre(1, 1, 0, -1, 1));
}

TEST(Feedback, TheLowestFifthOfRatingsIsNegativeAndZeroIsNotRated) {
  const DataSet data = MakeData(Stars());
  EXPECT_THAT(Weights(data), ElementsAre(0, -1, 1, 1, 1, 1, 1, 1, 1, 1, -1));
  ASSERT_TRUE(data.feedback.ratings.has_value());
  EXPECT_EQ(data.feedback.ratings->low, 1);
  EXPECT_EQ(data.feedback.ratings->high, 5);
  EXPECT_EQ(data.feedback.positives, 8);
  EXPECT_EQ(data.feedback.negatives, 2);
  EXPECT_EQ(data.feedback.seen_only, 1);
}

TEST(Feedback, RecognisesRatingsByTheirScaleAndNotCounts) {
  const auto is_rating = [](std::vector<float> values, std::string_view name) {
    return RecogniseRatings(values, name).has_value();
  };
  EXPECT_TRUE(is_rating({1, 3, 4, 4, 5}, ""));
  EXPECT_TRUE(is_rating({.5, 3, 3.5, 4, 4, 5}, ""));
  EXPECT_TRUE(is_rating({0, 2, 7, 8, 8, 10}, ""));
  EXPECT_FALSE(is_rating({1, 1, 1, 2, 2, 5}, "")) << "counts fall";
  EXPECT_TRUE(is_rating({1, 1, 1, 2, 2, 5}, "Star_Rating"));
  EXPECT_FALSE(is_rating({1, 3, 4, 4, 5}, "play_count"));
  EXPECT_FALSE(is_rating({1, 3, 4, 4, 5.25}, "")) << "no half";
  EXPECT_FALSE(is_rating({1, 3, 4, 4, 17}, "rating")) << "no such scale";
  EXPECT_FALSE(is_rating({1, 1, 1}, "rating")) << "nothing to tell apart";
  EXPECT_FALSE(is_rating({-3, -2, -1, 3, 4, 4, 5}, "")) << "votes";
  EXPECT_TRUE(is_rating({1, 2, 3, 3}, "rating"));
  EXPECT_FALSE(is_rating({1, 2, 3, 3}, ""));
  EXPECT_TRUE(is_rating({NAN, 1, 3, NAN, 4, 4, 5}, ""));
}

TEST(Feedback, EventsWithoutAValueAreNoLowRatings) {
  EXPECT_THAT(Weights(MakeData({{}, {1}, {3}, {4}, {4}, {5}, {}})),
              ElementsAre(1, -1, 1, 1, 1, 1, 1));
}

TEST(Feedback, ConditionsDecideWhereThereAreAny) {
  const std::vector<Event> events = {{1}, {3}, {4}, {5}, {4}, {-1}};
  EXPECT_THAT(Weights(MakeData(events), Conditions("value >= 4")),
              ElementsAre(-1, 0, 1, 1, 1, -1));
  EXPECT_THAT(Weights(MakeData(events), Conditions("value > 0")),
              ElementsAre(1, 1, 1, 1, 1, -1));
  EXPECT_THAT(Weights(MakeData(events), Conditions("", "value <= 3")),
              ElementsAre(-1, -1, 1, 1, 1, -1));
  EXPECT_THAT(Weights(MakeData(events), Conditions("value >= 4", "value = 1")),
              ElementsAre(-1, 0, 1, 1, 1, 0));
}

TEST(Feedback, ConditionsThatBothHoldAreRefused) {
  EXPECT_THAT(
      ErrorOf(MakeData({{1}, {4}}), Conditions("value >= 1", "value <= 1")),
      HasSubstr("feedback.negative: the value 1"));
}

TEST(Feedback, TypesHaveWeights) {
  v1::Feedback feedback;
  auto& weights = *feedback.mutable_type_weights();
  weights["view"] = 1;
  weights["cart"] = 3;
  weights["hide"] = -2;
  weights["impression"] = 0;
  weights["purchse"] = 5;
  DataSet data = MakeData({{NAN, "view"},
                           {2, "cart"},
                           {NAN, "hide"},
                           {NAN, "impression"},
                           {NAN, "purchase"},
                           {0, "cart"}});
  EXPECT_THAT(Weights(data, feedback), ElementsAre(1, 3, -2, 0, 1, 0));
  ASSERT_TRUE(ApplyFeedback(feedback, &data).ok());
  EXPECT_THAT(data.feedback.absent_types, ElementsAre("purchse"));
  std::string said;
  for (const std::string& line : Describe(data.feedback)) said += line + '\n';
  EXPECT_THAT(said, HasSubstr("cart: 2 of weight 3"));
  EXPECT_THAT(said, HasSubstr("purchase: 1 of weight 1 (not configured)"));
  EXPECT_THAT(said, HasSubstr("no interaction has the type purchse"));
}

TEST(Feedback, ValuesWeighOverTheirMean) {
  v1::Feedback feedback;
  feedback.set_value_weight("linear");
  EXPECT_THAT(
      Weights(MakeData({{500}, {1}, {9}, {-4}}), feedback),
      ElementsAre(FloatNear(500 / 170.0F, 1e-5), FloatNear(1 / 170.0F, 1e-5),
                  FloatNear(9 / 170.0F, 1e-5), -1));
  feedback.set_value_weight("log");
  const float mean = 1 + (std::log(501.0F) + std::log(2.0F)) / 2;
  EXPECT_THAT(Weights(MakeData({{500}, {1}}), feedback),
              ElementsAre(FloatNear((1 + std::log(501.0F)) / mean, 1e-5),
                          FloatNear((1 + std::log(2.0F)) / mean, 1e-5)));
  feedback.set_positive("value >= 0");
  EXPECT_THAT(ErrorOf(MakeData({{0}, {1}}), feedback),
              HasSubstr("feedback.value_weight"));
  feedback.set_value_weight("square");
  EXPECT_THAT(ErrorOf(MakeData({{1}}), feedback), HasSubstr("square"));
}

TEST(Feedback, WeightsHalveWithEveryHalfLife) {
  v1::Feedback feedback;
  feedback.set_half_life_days(10);
  EXPECT_THAT(Weights(MakeData({{NAN, "", 0},
                                {-1, "", kNow_s - 20 * kDay_s},
                                {NAN, "", kNow_s - 10 * kDay_s},
                                {NAN, "", kNow_s}}),
                      feedback),
              ElementsAre(1, -.25, .5, 1));
}

TEST(Feedback, AThousandRepeatsWeighAsOne) {
  std::vector<Event> events;
  for (int i = 0; i < 1000; ++i) events.push_back({NAN, "", kNow_s + i, 0});
  events.push_back({NAN, "", kNow_s + 1000, 1});
  DataSet data = MakeData(events);
  double first = 0;
  for (const Interaction& one : data.interactions) {
    if (one.item == 0) first += one.weight;
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(data.interactions[999].weight, 1) << "the newest has the weight";
  EXPECT_EQ(data.feedback.limited, 999);
  v1::Feedback feedback;
  feedback.set_max_repeats(0);
  EXPECT_EQ(Weights(data, feedback)[0], 0) << "one a day";
  feedback.set_max_per_user_item_day(0);
  EXPECT_EQ(Weights(data, feedback)[0], 1) << "no limit";
}

TEST(Feedback, RepeatsAddUpToTheirLimit) {
  v1::Feedback feedback;
  (*feedback.mutable_type_weights())["buy"] = 5;
  feedback.set_max_repeats(1.4);
  // Two days; of the first, the purchase counts.
  const DataSet data = MakeData({{NAN, "", kNow_s + 1, 0},
                                 {NAN, "buy", kNow_s + 2, 0},
                                 {NAN, "", kNow_s + 3, 0},
                                 {NAN, "buy", kNow_s + kDay_s, 0}});
  EXPECT_THAT(Weights(data, feedback),
              ElementsAre(0, FloatNear(2, 1e-6), 0, 5));
  feedback.set_max_repeats(0);
  EXPECT_THAT(Weights(data, feedback), ElementsAre(0, 5, 0, 5));
}

TEST(Feedback, OneUserAddsNoMoreThanTheLimitOnOneDay) {
  // Seven items on one day, of which one was bought, and two on another.
  std::vector<Event> events;
  for (int i = 0; i < 7; ++i) {
    events.push_back({NAN, i == 2 ? "buy" : "", kNow_s + i, i});
  }
  events.push_back({NAN, "", kNow_s + kDay_s, 7});
  events.push_back({NAN, "", kNow_s + kDay_s, 0});
  DataSet data = MakeData(events);
  const auto weights = [&](FeedbackLimits limits) {
    data.limits = limits;
    for (Interaction& one : data.interactions) {
      one.weight = one.item == 2 ? 5 : 1;
    }
    std::vector<LimitedWeight> limited;
    LimitAllRepeats(&data, &limited);
    std::vector<float> found;
    for (const Interaction& one : data.interactions) {
      found.push_back(one.weight);
    }
    EXPECT_EQ(limited.size(), std::ranges::count(found, 0));
    return found;
  };
  EXPECT_THAT(weights({.max_per_user_day = 3}),
              ElementsAre(0, 0, 5, 0, 0, 1, 1, 1, 1))
      << "the heaviest, then the newest";
  EXPECT_THAT(weights({}), ElementsAre(0, 1, 5, 1, 1, 1, 1, 1, 1));
  // Without repeats.
  data.interactions.resize(7);
  EXPECT_THAT(weights({.max_per_user_day = 3}),
              ElementsAre(0, 0, 5, 0, 0, 1, 1));
}

TEST(Feedback, WhatWasWantedOnceStaysSoUnlessItIsRatedAgain) {
  v1::Feedback feedback;
  feedback.set_max_repeats(0);
  // Clicked, and shown again without a click.
  EXPECT_THAT(Weights(MakeData({{1, "", kNow_s, 0},
                                {-1, "", kNow_s + kDay_s, 0},
                                {-1, "", kNow_s + 2 * kDay_s, 1}}),
                      feedback),
              ElementsAre(1, 0, -1));
  EXPECT_THAT(Weights(MakeData({{5, "", kNow_s, 0},
                                {1, "", kNow_s + kDay_s, 0},
                                {4, "", kNow_s + kDay_s, 1},
                                {4, "", kNow_s + kDay_s, 2}}),
                      feedback),
              ElementsAre(0, -1, 1, 1));
}

TEST(Feedback, SaysWhatTheRatingsWereTakenFor) {
  const std::vector<std::string> lines = Describe(MakeData(Stars()).feedback);
  ASSERT_EQ(lines.size(), 2);
  EXPECT_THAT(lines[0], HasSubstr("8 positive, 2 negative, 1 that only"));
  EXPECT_THAT(lines[1], HasSubstr("ratings from 1 to 5"));
}

TEST(DataSetBuilder, RefusesMoreTypesThanEventsHave) {
  DataSetBuilder builder;
  std::string_view problem;
  for (int i = 0; i < 1100 && problem.empty(); ++i) {
    problem =
        builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"),
                               NAN, 0, std::to_string(i));
  }
  EXPECT_THAT(problem, HasSubstr("type"));
}

TEST(IsRejected, HoldsForDislikesAndImpressionsButNotForWhatIsNotRated) {
  const auto rejected = [](const DataSet& data) {
    std::vector<bool> all;
    for (const Interaction& one : data.interactions) {
      all.push_back(IsRejected(data, one));
    }
    return all;
  };
  EXPECT_THAT(rejected(MakeData({{1}, {0}, {-1}})),
              ElementsAre(false, true, true));
  EXPECT_THAT(rejected(MakeData({{0}, {1}, {3}, {4}, {4}, {5}})),
              ElementsAre(false, true, false, false, false, false));
}

}  // namespace
}  // namespace tributary
