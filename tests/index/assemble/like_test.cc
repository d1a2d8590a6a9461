// tributary build --like: choices are taken over from an earlier bundle.
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/take_over.h"
#include "index/bundle/bundle.h"
#include "index/data/synthetic_data.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Synthetic data of 300 users and a third of the items: quick to choose on.
DataSet SmallData(bool has_times = true) {
  DataSet data = MakeSyntheticData(1).data;
  std::erase_if(data.interactions, [](const Interaction& x) {
    return x.user >= 300 || x.item % 3 != 0;
  });
  data.has_times = has_times;
  return data;
}

// Counts how often it is asked, and teaches a fusion of what it is given.
struct CountingJudge {
  int calls = 0;

  Judge AsJudge() {
    return [this](const std::filesystem::path& dir,
                  const std::vector<Interaction>& held_out,
                  const Progress& /*progress*/) -> absl::StatusOr<Judgement> {
      ++calls;
      EXPECT_FALSE(held_out.empty());
      const auto bundle = Bundle::Open(dir);
      EXPECT_TRUE(bundle.ok()) << bundle.status();
      Judgement judgement;
      judgement.recall.set_users(40 + calls);
      auto* point = judgement.recall.add_points();
      point->set_source("fused");
      point->set_k(20);
      point->set_recall(0.25);
      auto* segment = judgement.fusion.add_segments();
      segment->set_name("all");
      for (const auto& retriever : (*bundle)->manifest().retrievers()) {
        (*segment->mutable_weights())[retriever.name()] = 1;
        judgement.fusion.add_quotas()->set_retriever(retriever.name());
      }
      return judgement;
    };
  }
};

class LikeTest : public testing::Test {
 protected:
  BuildRequest Request(uint64_t version) {
    BuildRequest request;
    request.root = root_;
    request.version = version;
    request.data_name = "test";
    request.config.set_threads(2);
    request.config.mutable_als()->set_dim(8);
    request.config.mutable_als()->set_iterations(3);
    request.config.mutable_behavior()->mutable_history()->set_dim(8);
    request.judge = judge_.AsJudge();
    request.progress = [this](std::string_view step, double /*done*/) {
      steps_.insert({std::string(step.substr(0, step.find(kProgressNote))), 0});
    };
    request.report = [this](std::string_view line) {
      lines_.emplace_back(line);
    };
    return request;
  }

  v1::Manifest Build(const DataSet& data, const BuildRequest& request) {
    steps_.clear();
    lines_.clear();
    judge_.calls = 0;
    const auto built = BuildBundle(data, request);
    EXPECT_TRUE(built.ok()) << built.status();
    if (!built.ok()) return {};
    const auto bundle = Bundle::Open(*built);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    return (*bundle)->manifest();
  }

  bool Ran(const std::string& step) const { return steps_.contains(step); }

  const std::filesystem::path root_ = MakeTestDir();
  CountingJudge judge_;
  std::map<std::string, int> steps_;
  std::vector<std::string> lines_;
};

TEST_F(LikeTest, TakesEveryChoiceAndMeasuresNothing) {
  const DataSet data = SmallData();
  const v1::Manifest first = Build(data, Request(1));
  EXPECT_EQ(judge_.calls, 1);
  EXPECT_TRUE(Ran("choose als"));
  const v1::BuildConfig& chosen = first.builder().chosen();
  EXPECT_TRUE(chosen.als().has_alpha());
  EXPECT_TRUE(chosen.behavior().history().has_dropout());
  EXPECT_GT(chosen.popularity().half_life_days(), 0);
  EXPECT_EQ(first.measured_recall().measured_on_version(), 0);

  BuildRequest request = Request(2);
  request.like = first;
  const v1::Manifest second = Build(data, request);
  EXPECT_EQ(judge_.calls, 0);
  for (const char* step : {"choose als", "choose behavior", "choose neighbors",
                           "validation: als"}) {
    EXPECT_FALSE(Ran(step)) << step;
  }
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("chosen again"))));
  EXPECT_THAT(lines_, Contains(HasSubstr("like version 1: als: alpha=")));
  EXPECT_THAT(lines_,
              Contains(AllOf(HasSubstr("like version 1: fusion"),
                             HasSubstr("this bundle is not measured"))));
  EXPECT_EQ(second.builder().like_version(), 1);
  EXPECT_EQ(second.builder().chosen().SerializeAsString(),
            chosen.SerializeAsString());
  // The figures are marked as those of version 1.
  EXPECT_EQ(second.measured_recall().users(), 41);
  EXPECT_EQ(second.measured_recall().measured_on_version(), 1);
  EXPECT_EQ(second.fusion_learned_on_version(), 1);
  EXPECT_EQ(second.fusion().quotas_size(), first.fusion().quotas_size());
  // Same data and same choices: the same vectors.
  ASSERT_EQ(first.spaces_size(), second.spaces_size());
  for (int i = 0; i < first.spaces_size(); ++i) {
    EXPECT_EQ(first.spaces(i).fingerprint(), second.spaces(i).fingerprint());
  }
  ASSERT_EQ(first.neighbors_size(), second.neighbors_size());

  // The chain keeps the version that was measured.
  request = Request(3);
  request.like = second;
  const v1::Manifest third = Build(data, request);
  EXPECT_EQ(third.builder().like_version(), 2);
  EXPECT_EQ(third.measured_recall().measured_on_version(), 1);
  EXPECT_EQ(third.fusion_learned_on_version(), 1);
}

TEST_F(LikeTest, WhatIsConfiguredWins) {
  const DataSet data = SmallData();
  const v1::Manifest first = Build(data, Request(1));
  BuildRequest request = Request(2);
  request.like = first;
  request.config.mutable_als()->set_alpha(7);
  request.config.mutable_neighbors()->set_ridge(17);
  request.config.mutable_popularity()->set_half_life_days(5);
  request.config.set_validation_share(0.2);
  const v1::Manifest second = Build(data, request);
  EXPECT_EQ(second.builder().chosen().als().alpha(), 7);
  EXPECT_EQ(second.builder().chosen().als().regularization(),
            first.builder().chosen().als().regularization());
  EXPECT_EQ(second.builder().chosen().popularity().half_life_days(), 5);
  for (const auto& table : second.neighbors()) {
    if (table.name() != "ease") continue;
    EXPECT_EQ(table.chosen().at("ridge"), "17");
  }
  // A configured share of validation measures anew.
  EXPECT_EQ(judge_.calls, 1);
  EXPECT_EQ(second.measured_recall().measured_on_version(), 0);
  EXPECT_EQ(second.fusion_learned_on_version(), 0);
}

TEST_F(LikeTest, PartsThatAreConfiguredOtherwiseAreChosenAgain) {
  const DataSet data = SmallData();
  const v1::Manifest first = Build(data, Request(1));
  BuildRequest request = Request(2);
  request.like = first;
  request.config.mutable_als()->set_dim(12);
  Build(data, request);
  EXPECT_TRUE(Ran("choose als"));
  EXPECT_FALSE(Ran("choose behavior"));
  EXPECT_THAT(lines_,
              Contains(HasSubstr(
                  "not like version 1: als: chosen again, the earlier bundle "
                  "was configured otherwise")));
}

// As bundles of programs that do not record their choices.
TEST_F(LikeTest, SaysWhatAnOldBundleDoesNotRecord) {
  const DataSet data = SmallData();
  v1::Manifest old = Build(data, Request(1));
  old.mutable_builder()->clear_chosen();
  BuildRequest request = Request(2);
  request.like = old;
  const v1::Manifest second = Build(data, request);
  for (const char* part : {"behavior", "als", "trending"}) {
    EXPECT_THAT(lines_,
                Contains(AllOf(HasSubstr("not like version 1"), HasSubstr(part),
                               HasSubstr("does not record"))))
        << part;
  }
  EXPECT_TRUE(Ran("choose als"));
  // Neighbour tables and fusion are in the manifest of old bundles, too.
  EXPECT_FALSE(Ran("validation: als"));
  EXPECT_THAT(lines_, Contains(HasSubstr("like version 1: ease: ridge=")));
  EXPECT_EQ(judge_.calls, 0);
  EXPECT_EQ(second.measured_recall().measured_on_version(), 1);
}

TEST_F(LikeTest, ChoosesAndMeasuresWhereTheDataLostTheirTimes) {
  const v1::Manifest first = Build(SmallData(), Request(1));
  BuildRequest request = Request(2);
  request.like = first;
  const v1::Manifest second = Build(SmallData(/*has_times=*/false), request);
  EXPECT_THAT(lines_,
              Contains(HasSubstr("behavior: chosen again, the data have no "
                                 "times any more")));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("the sources differ"),
                                     HasSubstr("trending"))));
  EXPECT_EQ(judge_.calls, 1);
  EXPECT_EQ(second.measured_recall().measured_on_version(), 0);
}

TEST_F(LikeTest, WithoutAJudgeNothingIsMeasuredOrTakenWhereSourcesDiffer) {
  const v1::Manifest first = Build(SmallData(), Request(1));
  BuildRequest request = Request(2);
  request.like = first;
  request.judge = nullptr;
  const v1::Manifest second = Build(SmallData(/*has_times=*/false), request);
  EXPECT_FALSE(second.has_fusion());
  EXPECT_FALSE(second.has_measured_recall());
}

v1::Manifest WithIndex(const v1::IndexSpec& index) {
  v1::Manifest manifest;
  v1::EmbeddingSpace& space = *manifest.add_spaces();
  space.set_name("taste");
  space.set_dim(8);
  space.set_item_vectors(1000);
  *space.mutable_index() = index;
  return manifest;
}

TEST(EarlierIndex, IsForTheSameSpaceOfAboutTheSameSizeAndConfiguration) {
  v1::IndexSpec index;
  index.set_kind("ivf");
  index.set_lists(30);
  const v1::Manifest manifest = WithIndex(index);
  v1::IndexChoice any;
  any.set_kind("auto");
  EXPECT_NE(EarlierIndex(manifest, "taste", 8, 1000, any), nullptr);
  EXPECT_NE(EarlierIndex(manifest, "taste", 8, 2000, any), nullptr);
  EXPECT_EQ(EarlierIndex(manifest, "taste", 8, 2001, any), nullptr);
  EXPECT_EQ(EarlierIndex(manifest, "taste", 8, 499, any), nullptr);
  EXPECT_EQ(EarlierIndex(manifest, "taste", 9, 1000, any), nullptr);
  EXPECT_EQ(EarlierIndex(manifest, "other", 8, 1000, any), nullptr);
  v1::IndexChoice configured = any;
  configured.set_kind("scan");
  EXPECT_EQ(EarlierIndex(manifest, "taste", 8, 1000, configured), nullptr);
  configured.set_kind("ivf");
  EXPECT_NE(EarlierIndex(manifest, "taste", 8, 1000, configured), nullptr);
  configured.set_lists(31);
  EXPECT_EQ(EarlierIndex(manifest, "taste", 8, 1000, configured), nullptr);
}

}  // namespace
}  // namespace tributary
