#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/data/synthetic_data.h"
#include "index/train/als/als_trainer.h"
#include "index/train/content/content_trainer.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;

const Progress kNoProgress = [](std::string_view, double) {};

AlsTrainer MakeAls(uint32_t threads, uint32_t dim = 8) {
  v1::BuildConfig config;
  config.mutable_als()->set_dim(dim);
  config.mutable_als()->set_alpha(80);
  config.mutable_als()->set_regularization(0.004);
  return {CompleteBuildConfig(config)->als(), 1, threads, kNoProgress};
}

ContentTrainer MakeContent(uint32_t threads, v1::Content content = {}) {
  v1::BuildConfig config;
  *config.mutable_content() = std::move(content);
  return {CompleteBuildConfig(config)->content(), 1, threads, kNoProgress};
}

double Score(const TrainedSpace& space, size_t user, size_t item) {
  const float* const u = &space.users.values[user * space.dim];
  return std::inner_product(u, u + space.dim,
                            &space.items.values[item * space.dim], 0.0);
}

// Users and items of two kinds, who only meet their own, and not all of them.
DataSet TwoBlocks() {
  DataSetBuilder builder;
  for (uint32_t user = 0; user < 20; ++user) {
    for (uint32_t item = 0; item < 20; ++item) {
      builder.users.Add(std::to_string(user));
      builder.items.Add(std::to_string(item));
      if (user % 2 == item % 2 && (user * 7 + item) % 5 != 0) {
        builder.AddInteraction(user, item, 1, 0);
      }
    }
  }
  return std::move(builder).Finish();
}

TEST(AlsTrainer, FindsTheBlocksThatInteractionsAreMadeOf) {
  const auto space = MakeAls(2).Train(TwoBlocks());
  ASSERT_TRUE(space.ok()) << space.status();
  for (size_t user = 0; user < 20; ++user) {
    for (size_t item = 0; item < 20; ++item) {
      const bool same = user % 2 == item % 2;
      EXPECT_EQ(Score(*space, user, item) > 0.5, same) << user << " " << item;
    }
  }
}

TEST(AlsTrainer, AUserAndAnItemAreEnough) {
  for (const uint32_t dim : {1, 16, 21}) {
    DataSetBuilder builder;
    builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1,
                           0);
    const auto space = MakeAls(2, dim).Train(std::move(builder).Finish());
    ASSERT_TRUE(space.ok()) << space.status();
    EXPECT_EQ(space->items.values.size(), dim);
    EXPECT_EQ(space->users.values.size(), dim);
    EXPECT_GT(Score(*space, 0, 0), 0.5);
  }
}

TEST(AlsTrainer, AUserWithEverythingAndAnItemOfAllUsersAreLearnt) {
  DataSetBuilder builder;
  for (uint32_t i = 0; i < 30; ++i) {
    builder.users.Add(std::to_string(i));
    builder.items.Add(std::to_string(i));
  }
  for (uint32_t i = 0; i < 30; ++i) {
    builder.AddInteraction(0, i, 1, 0);
    builder.AddInteraction(i, 0, 1, 0);
  }
  const auto space = MakeAls(2).Train(std::move(builder).Finish());
  ASSERT_TRUE(space.ok()) << space.status();
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_GT(Score(*space, 0, i), 0.5);
    EXPECT_GT(Score(*space, i, 0), 0.5);
  }
}

TEST(AlsTrainer, OnlyRatiosOfWeightsMatter) {
  DataSet data = TwoBlocks();
  const auto once = MakeAls(2).Train(data);
  for (Interaction& interaction : data.interactions) interaction.weight = 7;
  const auto twice = MakeAls(2).Train(data);
  ASSERT_TRUE(once.ok() && twice.ok());
  EXPECT_EQ(once->items.values, twice->items.values);
  EXPECT_EQ(once->users.values, twice->users.values);
}

TEST(AlsTrainer, GivesTheSameBytesOnAnyNumberOfThreads) {
  const DataSet data = MakeSyntheticData(3).data;
  const auto one = MakeAls(1).Train(data);
  const auto four = MakeAls(4).Train(data);
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->items.values, four->items.values);
  EXPECT_EQ(one->users.values, four->users.values);
}

TEST(AlsTrainer, GivesVectorsToRowsWithPositiveInteractionsOnly) {
  DataSetBuilder builder;
  for (const char* key : {"0", "1", "2"}) {
    builder.users.Add(key);
    builder.items.Add(key);
  }
  builder.AddInteraction(2, 1, 1, 0);
  builder.AddInteraction(2, 1, 1, 0);
  builder.AddInteraction(0, 0, -1, 0);
  const auto space = MakeAls(1).Train(std::move(builder).Finish());
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(space->users.rows, ElementsAre(2));
  EXPECT_THAT(space->items.rows, ElementsAre(1));
  EXPECT_GT(Score(*space, 0, 0), 0.5);
}

TEST(AlsTrainer, SaysWhenThereIsNothingToTrainOn) {
  DataSet disliked = TwoBlocks();
  for (Interaction& interaction : disliked.interactions) interaction.weight = 0;
  EXPECT_EQ(MakeAls(1).Train(disliked).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeAls(1).Train(DataSet()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// Items 0-4 are lamps, 5-9 chairs; a user had lamp 0, nobody had lamp 4.
DataSet Lamps() {
  DataSetBuilder builder;
  const size_t text =
      builder.item_features.AddColumn("text", FeatureColumn::Kind::kText);
  const size_t tags =
      builder.item_features.AddColumn("tags", FeatureColumn::Kind::kTokens);
  for (uint32_t item = 0; item < 10; ++item) {
    builder.items.Add(std::to_string(item));
    builder.item_features.Set(text, item, item < 5 ? "A bright LAMP" : "chair");
    builder.item_features.Set(tags, item, item < 5 ? "light" : "wood\x1fseat");
  }
  builder.AddInteraction(builder.users.Add("u"), 0, 1, 0);
  builder.users.Add("v");  // had nothing
  return std::move(builder).Finish();
}

TEST(ContentTrainer, FindsAnItemThatNobodyTouched) {
  const auto space = MakeContent(1).Train(Lamps());
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->metric, v1::COSINE);
  EXPECT_EQ(space->history_encoder, v1::MEAN);
  EXPECT_THAT(space->users.rows, ElementsAre(0));
  EXPECT_NEAR(Score(*space, 0, 4), 1, 1e-5);
  EXPECT_NEAR(Score(*space, 0, 7), 0, 1e-4);  // the projection is rounded
}

TEST(ContentTrainer, AColumnOfWeightZeroIsLeftOut) {
  DataSet data = Lamps();
  data.item_features[1].text[4] = "wood\x1fseat";
  v1::Content settings;
  (*settings.mutable_column_weights())["text"] = 0;
  const auto space = MakeContent(1, settings).Train(data);
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_NEAR(Score(*space, 0, 4), 0, 1e-5);
}

TEST(ContentTrainer, WeighsHistoriesByValueIfAsked) {
  DataSet data = Lamps();
  data.interactions = {{0, 0, 1, 0, 0}, {0, 7, 1, 1, 0}};
  data.values = {1, 9};
  v1::Content settings;
  const auto plain = MakeContent(1, settings).Train(data);
  EXPECT_NEAR(Score(*plain, 0, 8), Score(*plain, 0, 4), 1e-5);
  settings.set_weigh_by_value(true);
  const auto weighed = MakeContent(1, settings).Train(data);
  EXPECT_GT(Score(*weighed, 0, 8), 5 * Score(*weighed, 0, 4));
}

TEST(ContentTrainer, ItemsWithoutFeaturesGetNoVector) {
  DataSet data = Lamps();
  for (FeatureColumn& column : data.item_features) column.text[3].clear();
  const auto space = MakeContent(1).Train(data);
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(space->items.rows, Not(Contains(3)));
  EXPECT_EQ(space->items.rows.size(), 9);
}

TEST(ContentTrainer, NumbersAreStandardisedAndGapsSayNothing) {
  DataSet data = Lamps();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  data.item_features = {
      {"price",
       FeatureColumn::Kind::kNumber,
       {},
       {1000, 1001, nan, 1001, 1000, 2, 1, 2, 1, nan}},
      {"same", FeatureColumn::Kind::kNumber, {}, std::vector<float>(10, 7)}};
  const auto space = MakeContent(1).Train(data);
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->items.rows.size(), 8);
  EXPECT_THAT(space->items.values,
              Each(testing::Truly([](float x) { return std::isfinite(x); })));
  EXPECT_NEAR(Score(*space, 0, 1), 1, 1e-5);   // item 1
  EXPECT_NEAR(Score(*space, 0, 5), -1, 1e-5);  // item 6
}

TEST(ContentTrainer, FeaturesThatAreAllEqualAreNothingToTrainOn) {
  DataSet data = Lamps();
  data.item_features.resize(1);
  for (std::string& text : data.item_features[0].text) text = "same";
  EXPECT_EQ(MakeContent(1).Train(data).status().code(),
            absl::StatusCode::kFailedPrecondition);
  data.item_features.clear();
  EXPECT_EQ(MakeContent(1).Train(data).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ContentTrainer, GivesTheSameBytesOnAnyNumberOfThreads) {
  const DataSet data = MakeSyntheticData(3).data;
  const auto one = MakeContent(1).Train(data);
  const auto four = MakeContent(4).Train(data);
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->items.values, four->items.values);
  EXPECT_EQ(one->users.values, four->users.values);
}

}  // namespace
}  // namespace tributary
