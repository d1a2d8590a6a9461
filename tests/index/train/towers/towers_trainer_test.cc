#include "index/train/towers/towers_trainer.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/assemble/bundle_parts.h"
#include "index/data/data_set_builder.h"
#include "index/tower/item_tower.h"
#include "index/tower/user_tower.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;

using ::testing::HasSubstr;
using ::testing::Not;

const Progress kNoProgress = [](std::string_view, double) {};
constexpr uint32_t kUsers = 24;
constexpr uint32_t kItems = 13;
// Without interactions.
constexpr Row kNewUser = 23;
constexpr Row kNewItem = 12;

// Users and items of two kinds, even and odd, who only meet their own, and not
// all of them; impressions of the other kind; and features of every kind, with
// gaps, that tell the kinds of items apart.
DataSet TwoBlocks(bool with_times = true) {
  DataSetBuilder builder;
  const auto key = [](uint32_t i) { return std::string(1, char('a' + i)); };
  for (uint32_t user = 0; user < kUsers; ++user) builder.users.Add(key(user));
  for (uint32_t item = 0; item < kItems; ++item) builder.items.Add(key(item));
  for (uint32_t user = 0; user < kNewUser; ++user) {
    for (uint32_t item = 0; item < kNewItem; ++item) {
      const bool own = user % 2 == item % 2;
      if ((user * 7 + item) % 5 == 0) continue;
      if (!own && item % 3 != 0) continue;
      builder.AddInteraction(user, item, own ? 1 : 0,
                             with_times ? 1000 + (user + item * 5) % 12 : 0);
    }
  }
  const size_t genre =
      builder.item_features.AddColumn("genre", FeatureColumn::Kind::kTokens);
  const size_t price =
      builder.item_features.AddColumn("price", FeatureColumn::Kind::kNumber);
  const size_t constant =
      builder.item_features.AddColumn("constant", FeatureColumn::Kind::kNumber);
  for (uint32_t item = 0; item < kItems; ++item) {
    builder.item_features.AddToken(genre, item, item % 2 == 0 ? "even" : "odd");
    if (item % 4 == 1) builder.item_features.AddToken(genre, item, "fourth");
    builder.item_features.Set(constant, item, "3");
    if (item == 4) continue;
    builder.item_features.Set(price, item, std::to_string(item * item));
  }
  const size_t age =
      builder.user_features.AddColumn("age", FeatureColumn::Kind::kNumber);
  for (uint32_t user = 0; user < kUsers; user += 2) {
    builder.user_features.Set(age, user, std::to_string(20 + user));
  }
  return std::move(builder).Finish();
}

v1::BuildConfig Config(const std::string& towers) {
  v1::BuildConfig config;
  config.mutable_behavior()->set_model("towers");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "dim: 8 epochs: 3 batch: 32 patience: 0 history { dim: 8 }"
      "item { id_dim: 8 category_dim: 4 } ",
      config.mutable_behavior()->mutable_towers()));
  v1::Towers changes;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(towers, &changes))
      << towers;
  config.mutable_behavior()->mutable_towers()->MergeFrom(changes);
  const auto complete = CompleteBuildConfig(config);
  EXPECT_TRUE(complete.ok()) << complete.status();
  return *complete;
}

// Vectors of some of the items' text, as the content trainer would make them.
TrainedSpace TextVectors() {
  TrainedSpace space{.name = "content", .dim = 3, .items = {}, .users = {}};
  space.items.rows = {0, 1, 5};
  space.items.values = {1, 0, 0, 0, 1, 0, 0.6F, 0, 0.8F};
  return space;
}

absl::StatusOr<TrainedSpace> Train(const DataSet& data,
                                   const std::string& towers,
                                   const Progress& progress = kNoProgress) {
  return TowersTrainer(Config(towers), nullptr, progress).Train(data);
}

std::shared_ptr<const Bundle> Write(const DataSet& data,
                                    const TrainedSpace& space) {
  BundleParts parts;
  parts.spaces.push_back(space);
  v1::IndexChoice index = Config("").index();
  index.set_kind("flat");
  const auto dir = WriteParts(data, parts, {MakeTestDir(), 1, {}, index, 2, {}},
                              kNoProgress);
  EXPECT_TRUE(dir.ok()) << dir.status();
  auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_TRUE(CheckTowers(**bundle).ok()) << CheckTowers(**bundle);
  return *std::move(bundle);
}

double Distance(std::span<const float> a, std::span<const float> b) {
  double most = a.size() == b.size() ? 0 : 1e9;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    most = std::max<double>(most, std::abs(a[i] - b[i]));
  }
  return most;
}

std::vector<Row> HistoryOf(const DataSet& data, Row user) {
  std::vector<Row> history;
  for (const Interaction& one : data.interactions) {
    if (one.user == user && one.weight > 0) history.push_back(one.item);
  }
  return history;
}

// How much more users score their own kind's items than the others.
double Margin(const TrainedSpace& space) {
  double sum = 0;
  for (Row user = 0; user < kNewUser; ++user) {
    for (Row item = 0; item < kNewItem; ++item) {
      const float* const u = &space.users.values[user * space.dim];
      const float* const v = &space.items.values[item * space.dim];
      sum += (user % 2 == item % 2 ? 1 : -1) *
             std::inner_product(u, u + space.dim, v, 0.0);
    }
  }
  return sum / (kNewUser * kNewItem);
}

class EveryKind : public testing::TestWithParam<const char*> {};

TEST_P(EveryKind, ServerAndTrainerAgreeOnUsers) {
  const DataSet data = TwoBlocks();
  const auto space = Train(data, GetParam());
  ASSERT_TRUE(space.ok()) << space.status();
  const auto bundle = Write(data, *space);
  const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<float> vectors;
  for (Row user = 0; user < kNewUser; ++user) {
    ASSERT_TRUE((*tower)->Encode(user, HistoryOf(data, user), &vectors));
    ASSERT_EQ(vectors.size(), (*tower)->interests() * space->dim);
    EXPECT_LT(Distance(std::span(vectors).first(space->dim),
                       std::span(space->users.values)
                           .subspan(user * space->dim, space->dim)),
              1e-4)
        << user;
  }
}

TEST_P(EveryKind, ServerAndTrainerAgreeOnANewItem) {
  const DataSet data = TwoBlocks();
  const TrainedSpace text = TextVectors();
  DataSet with_text = data;
  with_text.item_features.push_back({"title",
                                     FeatureColumn::Kind::kText,
                                     std::vector<std::string>(kItems, "title"),
                                     {}});
  const auto space =
      TowersTrainer(Config(GetParam()), &text, kNoProgress).Train(with_text);
  ASSERT_TRUE(space.ok()) << space.status();
  const auto bundle = Write(data, *space);
  const auto tower = ItemTower::Open(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<FeatureValue> values;
  for (const v1::FeatureInput* input : (*tower)->inputs()) {
    FeatureValue& value = values.emplace_back();
    if (input->column() == "genre")
      value.categories =
          "never\x1f"
          "even";
    if (input->column() == "price") value.number = kNewItem * kNewItem;
  }
  std::vector<float> vector;
  (*tower)->Encode(values, &vector);
  EXPECT_LT(Distance(vector, std::span(space->items.values)
                                 .subspan(kNewItem * space->dim, space->dim)),
            1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    TowersTrainer, EveryKind,
    testing::Values(
        "history { encoder: 'mean' }", "history { encoder: 'attention' }",
        "history { encoder: 'gru' }",
        "history { encoder: 'transformer' blocks: 2 heads: 4 }",
        "history { encoder: 'gru' short_term_items: 2 max_items: 4 }",
        "history { encoder: 'mean' short_term_items: 2 }",
        "history { encoder: 'none' } user { id_dim: 5 }",
        "history { encoder: 'attention' } user { id_dim: 5 hidden: 16 "
        "hidden: 12 } item { hidden: 16 hidden: 12 } batch_norm: true",
        "interests: 3 history { encoder: 'transformer' } user { hidden: 9 }",
        "normalize: false user { other_columns: false }"));

TEST(TowersTrainer, EachOfSeveralInterestsHasLength1) {
  const DataSet data = TwoBlocks();
  const auto space = Train(data, "interests: 3");
  ASSERT_TRUE(space.ok()) << space.status();
  const auto bundle = Write(data, *space);
  const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<float> vectors;
  ASSERT_TRUE((*tower)->Encode(0, HistoryOf(data, 0), &vectors));
  for (size_t i = 0; i < 24; i += 8) {
    EXPECT_NEAR(
        std::inner_product(&vectors[i], &vectors[i] + 8, &vectors[i], 0.0), 1,
        1e-5);
  }
}

class EveryLoss : public testing::TestWithParam<const char*> {};

TEST_P(EveryLoss, TellsOwnItemsFromOthers) {
  for (const bool with_times : {true, false}) {
    const auto space = Train(
        TwoBlocks(with_times),
        std::string("epochs: 30 learning_rate: 0.01 item { other_columns: "
                    "false } user { other_columns: false } ") +
            GetParam());
    ASSERT_TRUE(space.ok()) << space.status();
    EXPECT_GT(Margin(*space), 0.15) << with_times;
  }
}

INSTANTIATE_TEST_SUITE_P(
    TowersTrainer, EveryLoss,
    testing::Values(
        "softmax_weight: 1", "softmax_weight: 0", "softmax_weight: 0.5",
        "learn_temperature: true", "correct_sampling_bias: false",
        "schedule: 'constant' warmup_share: 0", "negatives { sampled: 0 }",
        "negatives { in_batch: false popularity_power: 0.75 sampled: 8 }",
        "negatives { hard: 2 hard_pool: 4 }"));

TEST(TowersTrainer, EqualSeedsGiveEqualBytesWithAnyThreadsAndOthersDoNot) {
  const DataSet data = TwoBlocks();
  v1::BuildConfig config = Config("negatives { hard: 1 }");
  config.set_threads(1);
  const auto once = TowersTrainer(config, nullptr, kNoProgress).Train(data);
  config.set_threads(3);
  const auto again = TowersTrainer(config, nullptr, kNoProgress).Train(data);
  config.set_seed(2);
  const auto other = TowersTrainer(config, nullptr, kNoProgress).Train(data);
  ASSERT_TRUE(once.ok() && again.ok() && other.ok());
  EXPECT_EQ(once->items.values, again->items.values);
  EXPECT_EQ(once->users.values, again->users.values);
  EXPECT_NE(once->items.values, other->items.values);
}

TEST(TowersTrainer, GoesOnFromACheckpointAsIfNotInterrupted) {
  const DataSet data = TwoBlocks();
  const std::string settings =
      "epochs: 5 batch_norm: true user { hidden: 8 } negatives { hard: 1 } ";
  const auto uninterrupted = Train(data, settings);
  ASSERT_TRUE(uninterrupted.ok());
  const std::string with_checkpoints =
      settings + "checkpoint_dir: '" + MakeTestDir().string() + "'";
  int epochs = 0;
  const auto interrupted =
      Train(data, with_checkpoints, [&](std::string_view, double) {
        if (++epochs == 3) throw std::runtime_error("power failure");
      });
  EXPECT_THAT(std::string(interrupted.status().message()),
              HasSubstr("power failure"));
  epochs = 0;
  const auto resumed = Train(data, with_checkpoints,
                             [&](std::string_view, double) { ++epochs; });
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(epochs, 2);
  EXPECT_EQ(resumed->items.values, uninterrupted->items.values);
  EXPECT_EQ(resumed->users.values, uninterrupted->users.values);
}

TEST(TowersTrainer, OtherDataDoNotGoOnFromACheckpoint) {
  const std::string settings =
      "epochs: 2 checkpoint_dir: '" + MakeTestDir().string() + "'";
  ASSERT_TRUE(Train(TwoBlocks(), settings).ok());
  DataSet other = TwoBlocks();
  other.interactions.pop_back();
  int epochs = 0;
  ASSERT_TRUE(
      Train(other, settings, [&](std::string_view, double) { ++epochs; }).ok());
  EXPECT_EQ(epochs, 2);
}

// With fewer items than recall@100 counts, no epoch is better than the first.
TEST(TowersTrainer, StopsWhenRecallDoesNotRiseAndTrainsAnewForTheBestEpochs) {
  std::vector<std::string> steps;
  const auto space =
      Train(TwoBlocks(), "epochs: 20 patience: 2",
            [&](std::string_view step, double) { steps.emplace_back(step); });
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(
      steps,
      ElementsAre(HasSubstr("recall@100"), HasSubstr("recall@100"),
                  HasSubstr("recall@100"), Not(HasSubstr("recall@100"))));
}

TEST(TowersTrainer, DivergingTrainingNamesTheSetting) {
  const auto space = Train(TwoBlocks(),
                           "learning_rate: 1e6 normalize: false epochs: 30 "
                           "user { hidden: 8 hidden: 8 } item { hidden: 8 }");
  EXPECT_EQ(space.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(space.status().message()),
              HasSubstr("behavior.towers.learning_rate"));
}

TEST(TowersTrainer, AnUnknownUserWithAHistoryIsEncodedAndOneWithoutIsNot) {
  const DataSet data = TwoBlocks();
  const auto space = Train(data,
                           "user { id_dim: 4 other_columns: false } epochs: 12 "
                           "learning_rate: 0.01");
  ASSERT_TRUE(space.ok()) << space.status();
  const auto bundle = Write(data, *space);
  const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<float> vector;
  EXPECT_FALSE((*tower)->Encode(kNewUser, {}, &vector));
  EXPECT_FALSE((*tower)->Encode(kNoRow, {}, &vector));
  ASSERT_TRUE((*tower)->Encode(kNoRow, std::vector<Row>{0, 2, 4}, &vector));
  const auto score = [&](Row item) {
    return std::inner_product(vector.begin(), vector.end(),
                              &space->items.values[item * space->dim], 0.0);
  };
  EXPECT_GT(score(6) + score(8), score(5) + score(7));
}

TEST(TowersTrainer, DataWithoutPositivesHaveNothingToTrainOn) {
  DataSet data = TwoBlocks();
  for (Interaction& one : data.interactions) one.weight = 0;
  EXPECT_EQ(Train(data, "").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(TowersTrainer, OneUserAndOneItemAreEnough) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1, 0);
  const auto space =
      Train(std::move(builder).Finish(),
            "batch_norm: true user { hidden: 4 id_dim: 2 } item { hidden: 4 } "
            "patience: 2 negatives { hard: 1 }");
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(space->items.values,
              Each(testing::Truly([](float x) { return std::isfinite(x); })));
  EXPECT_THAT(space->users.values, Contains(Not(0)));
}

TEST(TowersTrainer, TowersWithoutInputsAreRefused) {
  for (const char* settings :
       {"item { id_dim: 0 other_columns: false }",
        "history { encoder: 'none' } user { other_columns: false }"}) {
    const auto space = Train(TwoBlocks(), settings);
    EXPECT_EQ(space.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(space.status().message()), HasSubstr("no inputs"));
  }
}

}  // namespace
}  // namespace tributary
