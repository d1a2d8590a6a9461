#include "index/assemble/build_config.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::StartsWith;

TEST(BuildConfig, KeepsWhatIsSetAndFillsInTheRest) {
  v1::BuildConfig config;
  config.set_validation_share(0);
  config.mutable_als()->set_dim(16);
  const auto complete = CompleteBuildConfig(config);
  ASSERT_TRUE(complete.ok()) << complete.status();
  EXPECT_EQ(complete->validation_share(), 0);
  EXPECT_EQ(complete->als().dim(), 16);
  EXPECT_EQ(complete->als().iterations(), 15);
  EXPECT_EQ(complete->behavior().model(), "history");
  EXPECT_EQ(complete->behavior().history().dim(), 128);
  EXPECT_EQ(complete->content().dim(), 128);
  EXPECT_EQ(complete->index().kind(), "auto");
  EXPECT_GE(complete->threads(), 1);
}

TEST(BuildConfig, NamesTheFieldThatIsOutOfRange) {
  const auto expect = [](std::string_view field,
                         const std::function<void(v1::BuildConfig*)>& set) {
    v1::BuildConfig config;
    set(&config);
    const auto complete = CompleteBuildConfig(config);
    EXPECT_EQ(complete.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(complete.status().message()),
                StartsWith(std::string(field) + ": "));
  };
  expect("threads", [](auto* c) { c->set_threads(0); });
  expect("validation_share", [](auto* c) { c->set_validation_share(0.9); });
  expect("behavior.model",
         [](auto* c) { c->mutable_behavior()->set_model("als"); });
  expect("behavior.history.dim",
         [](auto* c) { c->mutable_behavior()->mutable_history()->set_dim(1); });
  expect("behavior.history.max_items", [](auto* c) {
    c->mutable_behavior()->mutable_history()->set_max_items(0);
  });
  expect("als.dim", [](auto* c) { c->mutable_als()->set_dim(0); });
  expect("als.iterations",
         [](auto* c) { c->mutable_als()->set_iterations(0); });
  expect("als.alpha", [](auto* c) { c->mutable_als()->set_alpha(-1); });
  expect("als.regularization",
         [](auto* c) { c->mutable_als()->set_regularization(0); });
  expect("content.dim", [](auto* c) { c->mutable_content()->set_dim(5000); });
  expect("content.column_weights[\"x\"]", [](auto* c) {
    (*c->mutable_content()->mutable_column_weights())["x"] = -1;
  });
  expect("popularity.half_life_days",
         [](auto* c) { c->mutable_popularity()->set_half_life_days(-1); });
  expect("neighbors.tables",
         [](auto* c) { c->mutable_neighbors()->add_tables("both"); });
  expect("neighbors.tables", [](auto* c) {
    c->mutable_neighbors()->add_tables("none");
    c->mutable_neighbors()->add_tables("ease");
  });
  expect("neighbors.width",
         [](auto* c) { c->mutable_neighbors()->set_width(0); });
  expect("neighbors.weighting",
         [](auto* c) { c->mutable_neighbors()->set_weighting("jaccard"); });
  expect("neighbors.ridge",
         [](auto* c) { c->mutable_neighbors()->set_ridge(-1); });
  expect("covisit.window_items",
         [](auto* c) { c->mutable_covisit()->set_window_items(0); });
  expect("covisit.window_days",
         [](auto* c) { c->mutable_covisit()->set_window_days(-1); });
  expect("feedback.positive",
         [](auto* c) { c->mutable_feedback()->set_positive("rating > 3"); });
  expect("feedback.negative",
         [](auto* c) { c->mutable_feedback()->set_negative("value > x"); });
  expect("feedback.type_weights[\"buy\"]", [](auto* c) {
    (*c->mutable_feedback()->mutable_type_weights())["buy"] = 1e7;
  });
  expect("feedback.value_weight",
         [](auto* c) { c->mutable_feedback()->set_value_weight("square"); });
  expect("feedback.half_life_days",
         [](auto* c) { c->mutable_feedback()->set_half_life_days(-1); });
  expect("feedback.max_repeats",
         [](auto* c) { c->mutable_feedback()->set_max_repeats(-1); });
  expect("index.kind", [](auto* c) { c->mutable_index()->set_kind("hnsw"); });
  expect("index.target_recall",
         [](auto* c) { c->mutable_index()->set_target_recall(2); });
  expect("index.target_n",
         [](auto* c) { c->mutable_index()->set_target_n(0); });
  expect("index.lists",
         [](auto* c) { c->mutable_index()->set_lists(1'000'001); });
}

TEST(BuildConfig, NamesTheSpaceWhoseIndexIsOutOfRange) {
  const auto expect = [](std::string_view field,
                         const std::function<void(v1::IndexChoice*)>& set) {
    v1::BuildConfig config;
    set(&(*config.mutable_index()->mutable_by_space())["content"]);
    const auto complete = CompleteBuildConfig(config);
    EXPECT_EQ(complete.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(
        std::string(complete.status().message()),
        StartsWith("index.by_space[\"content\"]." + std::string(field) + ": "));
  };
  expect("kind", [](auto* index) { index->set_kind("hnsw"); });
  expect("target_recall", [](auto* index) { index->set_target_recall(1.5); });
  expect("target_n", [](auto* index) { index->set_target_n(0); });
  expect("lists", [](auto* index) { index->set_lists(1'000'001); });
}

TEST(BuildConfig, LeavesOutOfASpaceWhatIsAsInAll) {
  v1::BuildConfig config;
  (*config.mutable_index()->mutable_by_space())["content"].set_kind("scan");
  const auto complete = CompleteBuildConfig(config);
  ASSERT_TRUE(complete.ok()) << complete.status();
  const v1::IndexChoice& own = complete->index().by_space().at("content");
  EXPECT_EQ(own.kind(), "scan");
  EXPECT_FALSE(own.has_target_recall());
}

}  // namespace
}  // namespace tributary
