#include "index/assemble/encode_new_items.h"

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/extend.h"
#include "index/data/data_set_builder.h"
#include "index/tower/user_tower.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = FeatureColumn::Kind;

// Its vectors of items are (tags, price, the content's first number, colour).
constexpr char kTower[] = R"pb(
  features { kind: CATEGORIES dim: 1 }
  features { kind: CATEGORIES column: "tags" dim: 1 categories: 2 }
  features { kind: NUMBER column: "price" dim: 1 scale: 0.5 missing: -7 }
  features { kind: SPACE_VECTOR column: "content" dim: 8 }
  features { kind: CATEGORIES column: "colour" dim: 1 categories: 1 }
  layers { kind: LINEAR weights: "w.npy" bias: "b.npy" }
)pb";

// 40 items with text, tags and a price; 30 users. Of colours only the item
// tower knows, which is that of the space "als".
class EncodeNewItemsTest : public testing::Test {
 protected:
  EncodeNewItemsTest() : manifest_(Build()) {
    v1::EmbeddingSpace* als = nullptr;
    for (auto& space : *manifest_.mutable_spaces()) {
      if (space.name() == "als") als = &space;
    }
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        kTower, als->mutable_item_tower()));
    tower_ = als->mutable_item_tower();
  }

  v1::Manifest Build() {
    DataSetBuilder builder;
    FeatureTable& features = builder.item_features;
    const size_t text = features.AddColumn("text", Kind::kText);
    const size_t tags = features.AddColumn("tags", Kind::kTokens);
    const size_t price = features.AddColumn("price", Kind::kNumber);
    for (int i = 0; i < 40; ++i) {
      const uint32_t item = builder.items.Add(fmt::format("item{}", i));
      features.Set(text, item, fmt::format("kind{}", i % 5));
      features.AddToken(tags, item, i % 3 == 0 ? "big" : "small");
      features.Set(price, item, std::to_string(i));
    }
    for (int user = 0; user < 30; ++user) {
      for (int i = 0; i < 6; ++i) {
        builder.AddInteraction(
            builder.users.Add(fmt::format("u{}", user)),
            builder.items.Add(fmt::format("item{}", (user + 5 * i) % 40)), 1,
            0);
      }
    }
    BuildRequest request;
    request.root = MakeTestDir();
    request.config.mutable_als()->set_dim(4);
    request.config.mutable_content()->set_dim(8);
    v1::HistoryTower& history =
        *request.config.mutable_behavior()->mutable_history();
    history.set_dim(4);
    history.set_epochs(1);
    history.set_dropout(0.5);
    history.set_weight_decay(0.5);
    history.set_decay(0);
    history.set_cut_share(0);
    history.set_dropped_targets(false);
    const auto built = BuildBundle(std::move(builder).Finish(), request);
    EXPECT_TRUE(built.ok()) << built.status();
    built_ = *Bundle::Open(*built);
    return built_->manifest();
  }

  absl::StatusOr<Extension> TryExtend(const std::string& items) {
    from_ = RewriteBundle(*built_, manifest_, [](BundleWriter* writer) {
      const std::vector<float> ids = {1000};
      const std::vector<float> tags = {100, 10, 30};
      const std::vector<float> colours = {0, 5};
      std::vector<float> w(4 * 12);
      w[1] = 1;
      w[12 + 2] = 1;
      w[24 + 3] = 1;
      w[36 + 11] = 1;
      const std::vector<float> b(4);
      absl::Status status;
      status.Update(writer->AddArray<float>("als.item_tower.0.npy", ids, 1));
      status.Update(writer->AddArray<float>("als.item_tower.1.npy", tags, 1));
      status.Update(
          writer->AddArray<float>("als.item_tower.4.npy", colours, 1));
      status.Update(writer->AddKeys("als.item_tower.1",
                                    {v1::UTF8, {}, {"big", "small"}}));
      status.Update(
          writer->AddKeys("als.item_tower.4", {v1::UTF8, {}, {"red"}}));
      status.Update(writer->AddArray<float>("w.npy", w, 12));
      status.Update(writer->AddArray<float>("b.npy", b));
      return status;
    });
    const auto file = MakeTestDir() / "new.csv";
    OverwriteFile(file, items);
    const auto read = ReadNewItems(file, *from_);
    if (!read.ok()) return read.status();
    ExtendRequest request;
    request.root = MakeTestDir();
    return ExtendBundle(*from_, *read, request);
  }

  // Whether the bundle extended so is sound.
  bool Extend(const std::string& items) {
    const auto extension = TryExtend(items);
    EXPECT_TRUE(extension.ok()) << extension.status();
    if (!extension.ok()) return false;
    without_vector_ = extension->without_vector;
    to_ = *Bundle::Open(extension->dir);
    return VerifyBundle(extension->dir).ok() && CheckTowers(*to_).ok();
  }

  std::vector<float> VectorOf(const std::string& space_name,
                              const std::string& key) {
    const VectorTable& table = to_->FindSpace(space_name)->items;
    const auto position = table.Find(to_->items().Find(key));
    if (!position) return {};
    std::vector<float> vector(table.dim());
    table.Read(*position, vector);
    return vector;
  }

  std::shared_ptr<const Bundle> built_;
  v1::Manifest manifest_;
  v1::Tower* tower_;
  std::shared_ptr<const Bundle> from_;
  std::shared_ptr<const Bundle> to_;
  std::vector<std::string> without_vector_;
};

TEST_F(EncodeNewItemsTest, TheItemTowerReadsFeaturesAndContent) {
  ASSERT_TRUE(
      Extend("item,text,tags,price,colour\n"
             "fresh,kind2,small,4,red\n"
             "both,kind2,big|small,,blue\n"));
  const float content = VectorOf("content", "fresh")[0];
  EXPECT_THAT(VectorOf("als", "fresh"),
              ElementsAre(FloatNear(30, .1), 2, FloatNear(content, 1e-3), 5));
  EXPECT_THAT(VectorOf("als", "both"),
              ElementsAre(FloatNear(20, .1), -7, testing::_, 0));
  EXPECT_THAT(without_vector_, IsEmpty());
}

TEST_F(EncodeNewItemsTest, ItemsWithoutContentAreReadAllTheSame) {
  ASSERT_TRUE(
      Extend("item,text,tags,colour\n"
             "a-known,kind1,,\n"
             "red-only,nothing,,red\n"
             "unknown,nothing,,blue\n"));
  EXPECT_THAT(VectorOf("content", "red-only"), IsEmpty());
  EXPECT_THAT(VectorOf("als", "red-only"), ElementsAre(100, -7, 0, 5));
  EXPECT_THAT(
      VectorOf("als", "a-known"),
      ElementsAre(100, -7, FloatNear(VectorOf("content", "a-known")[0], 1e-3),
                  0));
  EXPECT_THAT(VectorOf("als", "unknown"), IsEmpty());
  EXPECT_THAT(without_vector_, ElementsAre("unknown"));
}

TEST_F(EncodeNewItemsTest, ATowerOverAnotherSpaceIsRefused) {
  tower_->mutable_features(3)->set_column("elsewhere");
  const absl::Status refused = TryExtend("item,text\nnew,kind1\n").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("spaces[\"als\"].itemTower.features[3]"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("elsewhere"));
}

}  // namespace
}  // namespace tributary
