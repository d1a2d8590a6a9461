#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/train/towers/towers_trainer.h"

namespace tributary {
namespace {

TEST(TowersTrainer, WithoutLibTorchSaysHowToGetIt) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("1"), builder.items.Add("2"), 1, 0);
  const auto space = TowersTrainer(*CompleteBuildConfig({}), nullptr,
                                   [](std::string_view, double) {})
                         .Train(std::move(builder).Finish());
  EXPECT_EQ(space.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(space.status().message()),
              testing::HasSubstr("make deps-train"));
}

}  // namespace
}  // namespace tributary
