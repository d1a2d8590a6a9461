#include "index/train/als/als_settings.h"

#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/data/hold_out.h"
#include "index/data/synthetic_data.h"
#include "index/train/als/als_trainer.h"
#include "index/train/space_recall.h"

namespace tributary {
namespace {

const Progress kNoProgress = [](std::string_view, double) {};

v1::Als Settings() {
  v1::BuildConfig config;
  config.mutable_als()->set_dim(16);
  config.mutable_als()->set_iterations(5);
  return CompleteBuildConfig(config)->als();
}

double RecallOf(const v1::Als& settings, const DataSet& kept,
                const std::vector<Interaction>& held_out) {
  const auto space = AlsTrainer(settings, 1, 2, kNoProgress).Train(kept);
  return SpaceRecall(*space, kept.interactions, held_out, 2000, 2);
}

TEST(ChooseAlsSettings, WhatIsChosenIsBetterOnOtherHeldOutInteractionsToo) {
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(MakeSyntheticData(3).data, 0.2, "test", &held_out);
  // Far from where the search begins there is something to gain.
  v1::Als poor = Settings();
  poor.set_alpha(1000);
  const v1::Als chosen = ChooseAlsSettings(kept, poor, 1, 2, kNoProgress);
  poor.set_regularization(0.004);
  EXPECT_GT(RecallOf(chosen, kept, held_out),
            1.05 * RecallOf(poor, kept, held_out))
      << chosen.ShortDebugString();
}

TEST(ChooseAlsSettings, DoesNotDependOnTheThreads) {
  const DataSet data = MakeSyntheticData(4).data;
  EXPECT_EQ(ChooseAlsSettings(data, Settings(), 1, 1, kNoProgress)
                .SerializeAsString(),
            ChooseAlsSettings(data, Settings(), 1, 3, kNoProgress)
                .SerializeAsString());
}

TEST(ChooseAlsSettings, WhatIsSetStays) {
  const DataSet data = MakeSyntheticData(3).data;
  v1::Als settings = Settings();
  settings.set_alpha(3);
  const v1::Als half = ChooseAlsSettings(data, settings, 1, 2, kNoProgress);
  EXPECT_EQ(half.alpha(), 3);
  EXPECT_TRUE(half.has_regularization());
  settings.set_regularization(0.5);
  const v1::Als whole =
      ChooseAlsSettings(data, settings, 1, 2, [](std::string_view, double) {
        ADD_FAILURE() << "nothing is left to choose";
      });
  EXPECT_EQ(whole.SerializeAsString(), settings.SerializeAsString());
}

TEST(ChooseAlsSettings, DataThatTellNothingGetTheFirstOnes) {
  DataSetBuilder builder;
  const uint32_t user = builder.users.Add("u");
  const DataSet empty = std::move(builder).Finish();
  DataSetBuilder one_item;
  one_item.AddInteraction(one_item.users.Add("u"), one_item.items.Add("i"), 1,
                          0);
  DataSetBuilder one_user;
  one_user.users.Add("u");
  for (const char* item : {"a", "b", "c", "d", "e", "f"}) {
    one_user.AddInteraction(user, one_user.items.Add(item), 1, 0);
  }
  for (const DataSet& data :
       {empty, std::move(one_item).Finish(), std::move(one_user).Finish()}) {
    const v1::Als chosen =
        ChooseAlsSettings(data, Settings(), 1, 2, kNoProgress);
    EXPECT_EQ(chosen.alpha(), 20);
    EXPECT_EQ(chosen.regularization(), 0.004);
  }
}

// User 0 likes items in their order, user 1 in the other order; user 2 has no
// vector, and the last item has none.
TrainedSpace Ordered(uint32_t items) {
  TrainedSpace space;
  space.dim = 1;
  space.users = {{0, 1}, {1, -1}};
  for (uint32_t i = 0; i + 1 < items; ++i) {
    space.items.rows.push_back(i);
    space.items.values.push_back(-static_cast<float>(i));
  }
  return space;
}

TEST(SpaceRecall, CountsHitsBehindWhatTheUserHad) {
  const TrainedSpace space = Ordered(700);
  const std::vector<Interaction> none;
  const auto recall = [&](const std::vector<Interaction>& kept,
                          const std::vector<Interaction>& held_out) {
    return SpaceRecall(space, kept, held_out, 100, 2);
  };
  EXPECT_DOUBLE_EQ(recall(none, {{0, 0, 1, 0, 0}}), 1);
  EXPECT_DOUBLE_EQ(recall(none, {{0, 19, 1, 0, 0}}), 1);
  EXPECT_DOUBLE_EQ(recall(none, {{0, 20, 1, 0, 0}}), 2.0 / 3);
  EXPECT_DOUBLE_EQ(
      recall({{0, 5, 1, 0, 0}, {1, 6, 1, 0, 0}}, {{0, 20, 1, 0, 0}}), 1);
  EXPECT_DOUBLE_EQ(recall(none, {{0, 499, 1, 0, 0}}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(recall(none, {{0, 500, 1, 0, 0}}), 0);
  EXPECT_DOUBLE_EQ(recall(none, {{1, 698, 1, 0, 0}}), 1);
  // Users count alike.
  EXPECT_DOUBLE_EQ(
      recall(none, {{0, 0, 1, 0, 0}, {0, 500, 1, 0, 0}, {1, 0, 1, 0, 0}}),
      0.25);
}

TEST(SpaceRecall, WhatHasNoVectorIsMissed) {
  const TrainedSpace space = Ordered(700);
  EXPECT_EQ(SpaceRecall(space, {}, std::vector<Interaction>{{0, 699, 1, 0, 0}},
                        100, 1),
            0);
  EXPECT_EQ(
      SpaceRecall(space, {}, std::vector<Interaction>{{2, 0, 1, 0, 0}}, 100, 1),
      0);
  EXPECT_EQ(SpaceRecall(space, {}, {}, 100, 1), 0);
}

TEST(SpaceRecall, LeavesUsersOutEvenly) {
  std::vector<Interaction> held_out;
  for (uint32_t user = 0; user < 10; ++user) {
    held_out.push_back({user, 0, 1, 0, 0});
  }
  // Users 0 and 5, of whom one has a vector.
  EXPECT_DOUBLE_EQ(SpaceRecall(Ordered(700), {}, held_out, 2, 1), 0.5);
}

}  // namespace
}  // namespace tributary
