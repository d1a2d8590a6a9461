// A tower that LibTorch trained, and the server's, agree on users of whom a
// request brings features: known, unknown and missing ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/assemble/bundle_parts.h"
#include "index/data/data_set_builder.h"
#include "index/tower/user_tower.h"
#include "index/train/towers/tower_features.h"
#include "index/train/towers/towers_trainer.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::IsEmpty;
using Kind = FeatureColumn::Kind;

const Progress kNoProgress = [](std::string_view, double) {};
constexpr uint32_t kUsers = 40;
constexpr uint32_t kItems = 20;

// Users of two kinds with features of every kind, with gaps.
DataSet MakeData() {
  DataSetBuilder builder;
  const auto key = [](uint32_t i) { return std::to_string(100 + i); };
  for (uint32_t user = 0; user < kUsers; ++user) builder.users.Add(key(user));
  for (uint32_t item = 0; item < kItems; ++item) builder.items.Add(key(item));
  for (uint32_t user = 0; user < kUsers; ++user) {
    for (uint32_t item = user % 2; item < kItems; item += 2) {
      if ((user * 7 + item) % 5 == 0) continue;
      builder.AddInteraction(user, item, 1, 1000 + (user + item * 5) % 12);
    }
  }
  FeatureTable& features = builder.user_features;
  const size_t age = features.AddColumn("age", Kind::kNumber);
  const size_t income = features.AddColumn("income", Kind::kNumber);
  const size_t city = features.AddColumn("city", Kind::kTokens);
  const size_t about = features.AddColumn("about", Kind::kText);
  for (uint32_t user = 0; user < kUsers; ++user) {
    if (user % 3 != 0) features.Set(age, user, std::to_string(20 + user));
    features.Set(income, user, std::to_string(int64_t{user} * user * user));
    if (user % 4 != 0) {
      features.AddToken(city, user, user % 2 == 0 ? "Rome" : "Lima");
    }
    if (user % 5 == 1) features.AddToken(city, user, "Paris, Texas");
    if (user % 7 > 1) {
      features.Set(about, user, user % 2 == 0 ? "likes tea" : "likes coffee");
    }
  }
  return std::move(builder).Finish();
}

v1::BuildConfig Config(const std::string& towers) {
  v1::BuildConfig config;
  config.mutable_behavior()->set_model("towers");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "dim: 8 epochs: 3 batch: 64 patience: 0 history { dim: 8 }",
      config.mutable_behavior()->mutable_towers()));
  v1::Towers changes;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(towers, &changes))
      << towers;
  config.mutable_behavior()->mutable_towers()->MergeFrom(changes);
  const auto complete = CompleteBuildConfig(config);
  EXPECT_TRUE(complete.ok()) << complete.status();
  return *complete;
}

double Distance(std::span<const float> a, std::span<const float> b) {
  double most = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    most = std::max<double>(most, std::abs(a[i] - b[i]));
  }
  return most;
}

std::vector<std::string_view> NamesIn(std::string_view value) {
  std::vector<std::string_view> names;
  ForEachCategory(value, [&](std::string_view name) { names.push_back(name); });
  return names;
}

class EveryTower : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto space =
        TowersTrainer(Config(GetParam()), nullptr, kNoProgress).Train(data_);
    ASSERT_TRUE(space.ok()) << space.status();
    space_ = *std::move(space);
    BundleParts parts;
    parts.spaces.push_back(space_);
    v1::IndexChoice index = Config("").index();
    index.set_kind("flat");
    const auto dir = WriteParts(
        data_, parts, {MakeTestDir(), 1, {}, index, 2, {}}, kNoProgress);
    ASSERT_TRUE(dir.ok()) << dir.status();
    auto bundle = Bundle::Open(*dir);
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    bundle_ = *std::move(bundle);
    // With them the golden queries, of which some have features.
    ASSERT_TRUE(CheckTowers(*bundle_).ok()) << CheckTowers(*bundle_);
    auto tower = UserTower::Open(*bundle_, bundle_->spaces()[0]);
    ASSERT_TRUE(tower.ok()) << tower.status();
    tower_ = *std::move(tower);
  }

  const FeatureColumn& Column(std::string_view name) const {
    return *std::find_if(
        data_.user_features.begin(), data_.user_features.end(),
        [name](const FeatureColumn& column) { return column.name == name; });
  }
  std::vector<Row> HistoryOf(Row user) const {
    std::vector<Row> history;
    for (const Interaction& one : data_.interactions) {
      if (one.user == user) history.push_back(one.item);
    }
    return history;
  }
  double DistanceOfFirst(const std::vector<float>& vectors,
                         std::span<const float> expected) const {
    EXPECT_EQ(vectors.size(), tower_->interests() * space_.dim);
    EXPECT_EQ(expected.size(), space_.dim);
    return Distance(std::span(vectors).first(space_.dim), expected);
  }

  const DataSet data_ = MakeData();
  TrainedSpace space_;
  std::shared_ptr<const Bundle> bundle_;
  std::unique_ptr<UserTower> tower_;
};

// The id and the vector of the text stay those of the store.
TEST_P(EveryTower, FeaturesThatEqualTheTrainersGiveTheTrainersVectorOfAUser) {
  std::vector<float> vectors;
  for (Row user = 0; user < kUsers; ++user) {
    const auto cities = NamesIn(Column("city").text[user]);
    const std::vector<UserFeature> features = {
        {"age", {}, Column("age").numbers[user]},
        {"city", cities},
        {"income", {}, Column("income").numbers[user]}};
    ASSERT_TRUE(tower_->Encode(user, HistoryOf(user), features, &vectors));
    EXPECT_LT(
        DistanceOfFirst(vectors, std::span(space_.users.values)
                                     .subspan(user * space_.dim, space_.dim)),
        1e-4)
        << user;
  }
}

TEST_P(EveryTower, AgreesWithTheTrainerOnUnknownUsers) {
  const v1::Tower& spec = bundle_->spaces()[0].spec->user_tower();
  int with_city = 0, without_city = 0, without_age = 0, without_any = 0;
  std::vector<float> vectors;
  for (const SampleQuery& query : space_.queries) {
    std::vector<UserFeature> features;
    std::vector<std::string_view> cities;
    if (query.features.empty()) ++without_any;
    for (int i = 0; i < spec.features_size(); ++i) {
      const std::string& name = spec.features(i).column();
      if (query.features.empty() || name.empty()) continue;
      const v1::GoldenFeature& value = query.features[static_cast<size_t>(i)];
      UserFeature& feature = features.emplace_back();
      feature.name = name;
      if (name == "city") {
        cities = {value.categories().begin(), value.categories().end()};
        // Training never saw it: alone, it is a missing city.
        cities.emplace_back("Atlantis");
        feature.categories = cities;
        ++(value.categories().empty() ? without_city : with_city);
      } else if (value.has_number()) {
        feature.number = static_cast<float>(value.number());
      } else {
        ++without_age;
      }
    }
    std::sort(features.begin(), features.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    ASSERT_TRUE(tower_->Encode(kNoRow, query.history, features, &vectors));
    EXPECT_LT(DistanceOfFirst(vectors, query.vector), 1e-4);
  }
  EXPECT_GT(with_city, 1);
  EXPECT_GT(without_city, 1);
  EXPECT_GT(without_age, 1);
  EXPECT_EQ(without_any > 1, spec.has_history());
}

INSTANTIATE_TEST_SUITE_P(
    UserFeatures, EveryTower,
    testing::Values(
        "", "user { id_dim: 5 text: true }",
        "history { encoder: 'none' } user { id_dim: 5 category_dim: 3 }",
        "history { encoder: 'attention' } user { id_dim: 5 hidden: 16 hidden: "
        "12 } batch_norm: true",
        "user { features { column: 'income' transform: 'log1p' } features { "
        "column: 'age' transform: 'min_max' } features { column: 'city' dim: 6 "
        "} }",
        "interests: 3 history { encoder: 'gru' } user { hidden: 9 text: true }",
        "normalize: false"));

TEST(UserFeatures, NothingThatRequestsCanBringIsNoFeature) {
  const DataSet data = MakeData();
  const auto space =
      TowersTrainer(Config("user { id_dim: 4 other_columns: false }"), nullptr,
                    kNoProgress)
          .Train(data);
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_THAT(space->user_tower->spec.features(), IsEmpty());
  EXPECT_EQ(space->user_tower->spec.context_dim(), 4);
  for (const SampleQuery& query : space->queries) {
    EXPECT_THAT(query.features, IsEmpty());
  }
}

}  // namespace
}  // namespace tributary
