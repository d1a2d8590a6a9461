#include "index/tower/item_tower.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/index/tower/tower_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

constexpr char kTower[] = R"pb(
  features { kind: CATEGORIES column: "genre" dim: 1 categories: 2 }
  features {
    kind: NUMBER
    column: "price"
    dim: 1
    log1p: true
    offset: 1
    scale: 2
    missing: 0.25
  }
  features { kind: SPACE_VECTOR column: "content" dim: 2 }
  layers {
    kind: LINEAR
    weights: "taste.item_tower.w.npy"
    bias: "taste.item_tower.b.npy"
  }
)pb";

// A bundle whose item tower makes the vectors (genre + number, sum of the
// values of the content vector).
TowerBundle MakeBundle() {
  TowerBundle bundle;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      kTower, bundle.manifest.mutable_spaces(0)->mutable_item_tower()));
  bundle.arrays["taste.item_tower.0"] = {{100, 10, 30}, 1};
  bundle.arrays["taste.item_tower.w"] = {{1, 1, 0, 0, 0, 0, 1, 1}, 4};
  bundle.arrays["taste.item_tower.b"] = {{0, 0}, 0};
  bundle.keys["taste.item_tower.0"] = {
      .kind = v1::UTF8, .ids = {}, .strings = {"comedy", "drama"}};
  return bundle;
}

std::vector<float> Encode(std::string_view genres, float price,
                          std::span<const float> content) {
  const auto bundle = MakeBundle().Open();
  const auto tower = ItemTower::Open(*bundle, bundle->spaces()[0]);
  EXPECT_TRUE(tower.ok()) << tower.status();
  EXPECT_EQ((*tower)->inputs()[1]->column(), "price");
  std::vector<FeatureValue> values(3);
  values[0].categories = genres;
  values[1].number = price;
  values[2].vector = content;
  std::vector<float> vector;
  EXPECT_TRUE((*tower)->Encode(values, &vector));
  return vector;
}

// log(1 + kOne) is 1, so that the transformed number is 0.
const float kOne = std::exp(1.0F) - 1;
const std::vector<float> kContent = {3, 4};

TEST(ItemTower, AveragesTheKnownCategoriesOfAnItem) {
  EXPECT_THAT(Encode("drama", kOne, kContent),
              ElementsAre(FloatNear(30, 1e-4), 7));
  EXPECT_THAT(Encode("comedy\x1f"
                     "drama\x1fwestern",
                     kOne, kContent),
              ElementsAre(FloatNear(20, 1e-4), 7));
}

TEST(ItemTower, UnknownOrMissingValuesHaveInputsOfTheirOwn) {
  EXPECT_THAT(Encode("western", kOne, {}),
              ElementsAre(FloatNear(100, 1e-4), 0));
  EXPECT_THAT(Encode("", NAN, kContent), ElementsAre(100.25, 7));
}

TEST(ItemTower, ReportsWhenNothingIsKnownOfAnItem) {
  const auto bundle = MakeBundle().Open();
  const auto tower = ItemTower::Open(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<float> vector;
  std::vector<FeatureValue> values(3);
  EXPECT_FALSE((*tower)->Encode(values, &vector));
  EXPECT_THAT(vector, ElementsAre(100.25, 0));
  values[0].categories = "western";
  EXPECT_FALSE((*tower)->Encode(values, &vector));
  values[0].categories =
      "western\x1f"
      "drama";
  EXPECT_TRUE((*tower)->Encode(values, &vector));
  values = std::vector<FeatureValue>(3);
  values[1].number = 2;
  EXPECT_TRUE((*tower)->Encode(values, &vector));
  values = std::vector<FeatureValue>(3);
  values[2].vector = kContent;
  EXPECT_TRUE((*tower)->Encode(values, &vector));
}

TEST(ItemTower, NumbersOfBothSignsAreTransformed) {
  EXPECT_THAT(Encode("comedy", -kOne, {}),
              ElementsAre(FloatNear(10 - 4, 1e-4), 0));
}

TEST(ItemTower, NamesThePartThatDoesNotFit) {
  const auto error_of = [](const TowerBundle& files) {
    const auto bundle = files.Open();
    return std::string(
        ItemTower::Open(*bundle, bundle->spaces()[0]).status().message());
  };
  TowerBundle narrow = MakeBundle();
  narrow.arrays["taste.item_tower.0"] = {{100, 10}, 1};
  EXPECT_THAT(error_of(narrow), HasSubstr("taste.item_tower.0"));
  TowerBundle unknown = MakeBundle();
  v1::Tower& tower = *unknown.manifest.mutable_spaces(0)->mutable_item_tower();
  tower.mutable_features(0)->clear_kind();
  EXPECT_THAT(error_of(unknown), HasSubstr("itemTower.features[0].kind"));
  TowerBundle wide = MakeBundle();
  wide.manifest.mutable_spaces(0)
      ->mutable_item_tower()
      ->mutable_features(1)
      ->set_dim(2);
  EXPECT_THAT(error_of(wide), HasSubstr("itemTower.features[1].dim"));
  TowerBundle endless = MakeBundle();
  endless.manifest.mutable_spaces(0)
      ->mutable_item_tower()
      ->mutable_features(0)
      ->set_categories(~uint64_t{0});
  EXPECT_THAT(error_of(endless),
              HasSubstr("itemTower.features[0].categories: "
                        "18446744073709551615, expected less than"));
}

}  // namespace
}  // namespace tributary
