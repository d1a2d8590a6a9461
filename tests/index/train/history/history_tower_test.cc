#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/train/history/history_choice.h"
#include "index/train/history/history_tower_trainer.h"
#include "index/train/history/history_training.h"

namespace tributary {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Progress kNoProgress = [](std::string_view, double) {};

// Users and items "0", "1", ….
DataSetBuilder Numbered(uint32_t users, uint32_t items) {
  DataSetBuilder builder;
  for (uint32_t i = 0; i < users; ++i) builder.users.Add(std::to_string(i));
  for (uint32_t i = 0; i < items; ++i) builder.items.Add(std::to_string(i));
  return builder;
}

// Users and items of `kinds` kinds, who only meet their own, and not all of
// them.
DataSet Blocks(uint32_t users, uint32_t items, uint32_t kinds) {
  DataSetBuilder builder = Numbered(users, items);
  for (uint32_t user = 0; user < users; ++user) {
    for (uint32_t item = 0; item < items; ++item) {
      if (user % kinds == item % kinds && (user * 7 + item) % 3 != 0) {
        builder.AddInteraction(user, item, 1, 0);
      }
    }
  }
  return std::move(builder).Finish();
}

v1::HistoryTower Settings(uint32_t dim = 16, uint32_t epochs = 30) {
  v1::BuildConfig config;
  v1::HistoryTower& tower = *config.mutable_behavior()->mutable_history();
  tower.set_dim(dim);
  tower.set_epochs(epochs);
  tower.set_learning_rate(0.02);
  return CompleteBuildConfig(config)->behavior().history();
}

absl::StatusOr<TrainedSpace> Train(const DataSet& data,
                                   const v1::HistoryTower& settings,
                                   uint32_t threads = 2) {
  return HistoryTowerTrainer(settings, 1, threads, kNoProgress).Train(data);
}

// The loss of the model on a batch, in doubles and without tricks.
double LossByDefinition(const HistoryModel& model, const HistoryBatch& batch) {
  double loss = 0;
  const size_t width = batch.histories.width;
  for (size_t user = 0; user < batch.histories.size(); ++user) {
    std::vector<double> h(model.dim);
    for (uint32_t i = batch.histories.offsets[user];
         i < batch.histories.offsets[user + 1]; ++i) {
      const size_t item = batch.inputs[batch.histories.columns[i]];
      for (size_t j = 0; j + 1 < model.dim; ++j) {
        const size_t part = j < PartBegin(model.dim - 1, width, 1) ? 0 : 1;
        h[j] += std::exp(static_cast<double>(model.log_scale)) *
                batch.histories.values[i * width + part] *
                model.inputs[item * model.dim + j];
      }
    }
    h.back() = 1;
    std::vector<double> scores;
    double sum = 0;
    for (size_t c = 0; c < batch.candidates.size(); ++c) {
      double score = 0;
      for (size_t j = 0; j < model.dim; ++j) {
        score += h[j] * model.outputs[batch.candidates[c] * model.dim + j];
      }
      if (!batch.log_probabilities.empty()) {
        score -= batch.log_probabilities[c];
      }
      scores.push_back(score);
      sum += std::exp(score);
    }
    for (uint32_t i = batch.targets.offsets[user];
         i < batch.targets.offsets[user + 1]; ++i) {
      loss += batch.targets.values[i] *
              (std::log(sum) - scores[batch.targets.columns[i]]);
    }
  }
  return loss / static_cast<double>(batch.histories.size());
}

// Holds the gradients against differences of the loss, for at most two decays.
void CheckGradients(uint32_t negatives, std::vector<double> decays) {
  const HistoryData data = MakeHistoryData(Blocks(37, 150, 5), 100);
  HistorySettings settings;
  settings.dim = 5;
  settings.decays = std::move(decays);
  settings.cut_share = 0.5;
  settings.target_decay = 0.3;
  settings.negatives = negatives;
  Random random(3);
  HistoryModel model(data.item_count(), settings.dim, &random);
  for (float& x : model.inputs) x *= 20;
  for (float& x : model.outputs) x *= 20;
  model.log_scale = 0.3F;
  HistorySampler sampler(data, settings);
  std::vector<uint32_t> users(data.user_count());
  for (uint32_t i = 0; i < users.size(); ++i) users[i] = i;
  HistoryBatch batch;
  sampler.Sample(users, &random, &batch);
  HistoryGradients gradients(2);
  EXPECT_NEAR(gradients.Compute(model, batch), LossByDefinition(model, batch),
              1e-4);
  const auto expect = [&](float* parameter, float gradient) {
    constexpr float kStep = 1e-2F;
    const float before = *parameter;
    *parameter = before + kStep;
    const double above = LossByDefinition(model, batch);
    *parameter = before - kStep;
    const double below = LossByDefinition(model, batch);
    *parameter = before;
    EXPECT_NEAR((above - below) / (2 * kStep), gradient,
                2e-4 * (1 + std::abs(gradient)));
  };
  const size_t dim = model.dim;
  for (size_t i = 0; i < batch.inputs.size(); i += 7) {
    const size_t j = i % (dim - 1);
    expect(&model.inputs[batch.inputs[i] * dim + j],
           gradients.inputs()[i * dim + j]);
    EXPECT_EQ(gradients.inputs()[i * dim + dim - 1], 0);
  }
  for (size_t i = 0; i < batch.candidates.size(); i += 3) {
    expect(&model.outputs[batch.candidates[i] * dim + i % dim],
           gradients.outputs()[i * dim + i % dim]);
  }
  expect(&model.log_scale, gradients.log_scale());
}

TEST(HistoryGradients, AreTheSlopesOfTheLossOverAllItems) {
  CheckGradients(0, {0.5});
}

TEST(HistoryGradients, AreTheSlopesOfTheLossOverSampledItems) {
  CheckGradients(40, {0.5});
}

TEST(HistoryGradients, AreTheSlopesOfTheLossWithTwoDecays) {
  CheckGradients(0, {0.2, 1.5});
}

TEST(HistorySampler, KnowsHowLikelyAnItemIsACandidate) {
  const HistoryData data = MakeHistoryData(Blocks(40, 200, 10), 100);
  HistorySettings settings;
  settings.negatives = 20;
  HistorySampler sampler(data, settings);
  Random random(5);
  HistoryBatch batch;
  std::vector<double> drawn(data.item_count());
  std::vector<double> expected(data.item_count());
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    // One of the users at random, as an epoch's order has it.
    const std::vector<uint32_t> users = {
        static_cast<uint32_t>(random.Below(data.user_count()))};
    sampler.Sample(users, &random, &batch);
    for (size_t c = 0; c < batch.candidates.size(); ++c) {
      ++drawn[batch.candidates[c]];
      expected[batch.candidates[c]] = std::exp(batch.log_probabilities[c]);
    }
  }
  double mean_drawn = 0;
  double mean_expected = 0;
  for (size_t i = 0; i < drawn.size(); ++i) {
    mean_drawn += drawn[i] / kDraws / static_cast<double>(drawn.size());
    mean_expected += expected[i] / static_cast<double>(drawn.size());
  }
  EXPECT_NEAR(mean_drawn, mean_expected, 0.1 * mean_expected);
}

TEST(HistorySampler, CutsHistoriesIntoWhatCameBeforeAndAfter) {
  HistoryData data;
  for (uint32_t i = 0; i < 20; ++i) data.items.push_back(i);
  data.offsets = {0, 20};
  data.item_rows.resize(20);
  data.counts.assign(20, 1);
  HistorySettings settings;
  settings.decays = {1, 2};
  settings.target_decay = 0.5;
  settings.cut_share = 1;
  HistorySampler sampler(data, settings);
  Random random(1);
  HistoryBatch batch;
  const std::vector<uint32_t> users = {0};
  std::set<uint32_t> cuts;
  for (int i = 0; i < 300; ++i) {
    sampler.Sample(users, &random, &batch);
    const std::vector<uint32_t>& inputs = batch.histories.columns;
    const std::vector<uint32_t>& targets = batch.targets.columns;
    const uint32_t cut = targets.front();
    cuts.insert(cut);
    EXPECT_THAT(targets, SizeIs(20 - cut));
    ASSERT_THAT(inputs, Not(IsEmpty()));
    EXPECT_LT(inputs.back(), cut);
    // Ranks are counted from the cut, distances too.
    const auto weight = [&](size_t input, size_t part) {
      return batch.histories.values[2 * input + part] /
             batch.histories.values[part];
    };
    for (size_t j = 0; j < inputs.size(); ++j) {
      const double ratio = static_cast<double>(cut - inputs.front()) /
                           static_cast<double>(cut - inputs[j]);
      EXPECT_NEAR(weight(j, 0), ratio, 1e-4 * ratio);
      EXPECT_NEAR(weight(j, 1), ratio * ratio, 1e-4 * ratio * ratio);
    }
    for (size_t j = 0; j < targets.size(); ++j) {
      EXPECT_NEAR(batch.targets.values[j] / batch.targets.values[0],
                  1 / std::sqrt(1.0 + static_cast<double>(j)), 1e-4);
    }
  }
  EXPECT_EQ(*cuts.begin(), 4) << "a fifth at least comes before";
  EXPECT_EQ(cuts.size(), 16);
}

TEST(HistoryData, TakesPositivesOnceWhereTheyCameLastAndTheNewest) {
  DataSetBuilder builder;
  for (const char* key : {"0", "1", "2", "3"}) {
    builder.users.Add(key);
    builder.items.Add(key);
  }
  builder.AddInteraction(1, 0, 1, 10);
  builder.AddInteraction(1, 2, 1, 20);
  builder.AddInteraction(1, 0, 1, 30);
  builder.AddInteraction(1, 3, 1, 5);
  builder.AddInteraction(2, 1, 0, 5);
  const DataSet data = std::move(builder).Finish();
  const HistoryData histories = MakeHistoryData(data, 2);
  EXPECT_THAT(histories.item_rows, ElementsAre(0, 2));
  ASSERT_EQ(histories.user_count(), 1);
  EXPECT_THAT(histories.Of(0), ElementsAre(1, 0));
  EXPECT_THAT(MakeHistoryData(data, 9).item_rows, ElementsAre(0, 2, 3));
}

TEST(HistoryData, HoldsOutTheNewestTenthOfThoseWithFourItems) {
  HistoryData data;
  data.has_times = true;
  data.items = {0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  data.offsets = {0, 3, 17};
  data.item_rows.resize(14);
  const HistorySplit split = SplitHistories(data, 1);
  EXPECT_THAT(split.held_out, ElementsAre(IsEmpty(), ElementsAre(12, 13)));
  EXPECT_THAT(split.kept.Of(0), SizeIs(3));
  EXPECT_THAT(split.kept.Of(1), SizeIs(12));
  EXPECT_EQ(split.kept.counts[13], 0);
  data.has_times = false;
  EXPECT_THAT(SplitHistories(data, 1).held_out[1], SizeIs(2));
}

TEST(HistoryTowerTrainer, FindsTheBlocksThatInteractionsAreMadeOf) {
  const DataSet data = Blocks(200, 60, 4);
  const auto space = Train(data, Settings());
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->history_encoder, v1::TOWER);
  EXPECT_EQ(space->user_tower->spec.history().dim(), 15);
  EXPECT_THAT(space->users.rows, IsEmpty());
  ASSERT_EQ(space->items.rows.size(), 60);
  ASSERT_THAT(space->queries, SizeIs(Gt(100)));
  for (const SampleQuery& query : space->queries) {
    const Row kind = query.history[0] % 4;
    double worst_own = HUGE_VAL;
    double best_other = -HUGE_VAL;
    for (Row item = 0; item < 60; ++item) {
      double score = 0;
      for (uint32_t i = 0; i < space->dim; ++i) {
        score += query.vector[i] * space->items.values[item * space->dim + i];
      }
      if (item % 4 == kind) worst_own = std::min(worst_own, score);
      if (item % 4 != kind) best_other = std::max(best_other, score);
    }
    EXPECT_GT(worst_own, best_other);
  }
  ASSERT_THAT(space->training, SizeIs(30));
  EXPECT_LT(space->training.back().loss(), space->training[0].loss());
}

TEST(HistoryTowerTrainer, GivesTheSameBytesOnAnyNumberOfThreads) {
  const DataSet data = Blocks(300, 90, 5);
  const auto one = Train(data, Settings(16, 5), 1);
  const auto four = Train(data, Settings(16, 5), 4);
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->items.values, four->items.values);
  EXPECT_EQ(one->user_tower->history.values, four->user_tower->history.values);
}

TEST(HistoryTowerTrainer, SaysWhenThereIsNothingToLearn) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1, 0);
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1, 0);
  builder.AddInteraction(builder.users.Add("v"), builder.items.Add("j"), 1, 0);
  const DataSet data = std::move(builder).Finish();
  EXPECT_EQ(Train(data, Settings()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Train(DataSet(), Settings()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(HistoryTowerTrainer, OneUserOfTwoItemsIsEnough) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1,
                         99999999999);
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("j"), 1,
                         99999999999);
  const auto space = Train(std::move(builder).Finish(), Settings());
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(space->items.rows, ElementsAre(0, 1));
  EXPECT_THAT(space->items.values,
              Each(testing::Truly([](float x) { return std::isfinite(x); })));
}

TEST(HistoryTowerTrainer, NamesTheSettingWhenTrainingDiverges) {
  v1::HistoryTower settings = Settings(16, 100);
  settings.set_learning_rate(10);
  settings.set_weight_decay(100);
  const auto space = Train(Blocks(200, 60, 4), settings);
  EXPECT_EQ(space.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(space.status().message()),
              HasSubstr("behavior.history.learning_rate 10"));
}

TEST(ChooseHistorySettings, KeepsWhatIsGivenAndFillsInTheRest) {
  v1::HistoryTower given = Settings(8, 3);
  given.set_dropout(0.6);
  const DataSet data = Blocks(100, 40, 4);
  const auto chosen = ChooseHistorySettings(data, given, 1, 2, kNoProgress);
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ(chosen->dropout(), 0.6);
  EXPECT_EQ(chosen->epochs(), 3);
  EXPECT_TRUE(chosen->has_weight_decay());
  EXPECT_EQ(chosen->decay(), 0) << "there are no times";
  EXPECT_EQ(chosen->cut_share(), 0) << "there are no times";
  EXPECT_TRUE(chosen->has_dropped_targets());
  const auto again = ChooseHistorySettings(data, given, 1, 1, kNoProgress);
  EXPECT_EQ(again->SerializeAsString(), chosen->SerializeAsString());
}

// Users walk along a ring of items from different places, all in one direction.
DataSet Walks() {
  DataSetBuilder builder = Numbered(400, 600);
  for (uint32_t user = 0; user < 400; ++user) {
    for (uint32_t step = 0; step < 200; ++step) {
      builder.AddInteraction(user, (user * 7 + step) % 600, 1, step + 1);
    }
  }
  return std::move(builder).Finish();
}

// Users have items of their kind, one of ten, and as many of any kind, in any
// order: all of a history tells more of their kind than the newest few.
DataSet NoisyKinds() {
  DataSetBuilder builder = Numbered(400, 400);
  Random random(1);
  for (uint32_t user = 0; user < 400; ++user) {
    for (uint32_t step = 0; step < 24; ++step) {
      const auto item = static_cast<uint32_t>(random.Below(400));
      builder.AddInteraction(user,
                             step % 2 == 0 ? item : item / 10 * 10 + user % 10,
                             1, static_cast<int64_t>(random.Below(1000)));
    }
  }
  return std::move(builder).Finish();
}

// Recall of what is held out, by a model trained on the rest.
double RecallOf(const DataSet& data, const v1::HistoryTower& given) {
  const HistoryData histories = MakeHistoryData(data, 1000);
  const HistorySplit split = SplitHistories(histories, 1);
  const HistorySettings settings = TrainingSettings(histories, given);
  HistoryTraining training(split.kept, settings, 1, 2);
  while (!training.done()) EXPECT_TRUE(training.RunEpoch().ok());
  return MeasureHistoryModel(training.model(), split, settings.decays, 1000, 2);
}

TEST(ChooseHistorySettings, DecaysLessWhereAllOfAHistoryTellsMore) {
  v1::HistoryTower given = Settings(16, 30);
  given.set_dropout(0.5);
  given.set_weight_decay(1);
  given.set_dropped_targets(true);
  const auto walks = ChooseHistorySettings(Walks(), given, 1, 2, kNoProgress);
  const auto kinds =
      ChooseHistorySettings(NoisyKinds(), given, 1, 2, kNoProgress);
  ASSERT_TRUE(walks.ok() && kinds.ok());
  EXPECT_LT(kinds->decay(), walks->decay());
}

TEST(ChooseHistorySettings, TakesTheSettingThatFindsMore) {
  // One epoch is two steps: too few to find the blocks.
  const DataSet data = Blocks(100, 60, 4);
  EXPECT_GT(RecallOf(data, Settings(8, 40)),
            RecallOf(data, Settings(8, 1)) + 0.05);
}

}  // namespace
}  // namespace tributary
