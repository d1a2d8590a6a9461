// Vectors of features that came with a change, beside those that the build made
// of the same features.
#include "server/versions/live_item_encoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/assemble/build.h"
#include "index/data/data_set_builder.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

struct ShopItem {
  std::string text;
  std::vector<std::string> tags;
  std::string price;
};

std::vector<ShopItem> ShopItems() {
  std::vector<ShopItem> items;
  for (int i = 0; i < 60; ++i) {
    items.push_back({.text = i % 3 == 0 ? "A bright LAMP, a lamp"
                                        : "Sch\u00f6ner alter Stuhl",
                     .tags = i % 2 == 0 ? std::vector<std::string>{"a", "b"}
                                        : std::vector<std::string>{"b"},
                     .price = i % 7 == 0 ? "" : std::to_string(i * i)});
  }
  return items;
}

std::shared_ptr<const Bundle> Build(const std::vector<ShopItem>& items) {
  DataSetBuilder builder;
  const size_t text = builder.item_features.AddColumn("text", Kind::kText);
  const size_t tags = builder.item_features.AddColumn("tags", Kind::kTokens);
  const size_t price = builder.item_features.AddColumn("price", Kind::kNumber);
  for (uint32_t i = 0; i < items.size(); ++i) {
    builder.items.Add(std::to_string(1000 + i));
    builder.item_features.Set(text, i, items[i].text);
    for (const std::string& tag : items[i].tags) {
      builder.item_features.AddToken(tags, i, tag);
    }
    builder.item_features.Set(price, i, items[i].price);
  }
  BuildRequest request;
  request.root = MakeTestDir();
  const auto built = BuildBundle(std::move(builder).Finish(), request);
  EXPECT_TRUE(built.ok()) << built.status();
  return *Bundle::Open(*built);
}

TEST(LiveItemEncoderTest, MakesTheVectorsThatTheBuildMade) {
  const std::vector<ShopItem> items = ShopItems();
  const auto bundle = Build(items);
  const EmbeddingSpace& content = *bundle->FindSpace("content");
  const auto space = static_cast<size_t>(&content - bundle->spaces().data());
  const LiveItemEncoder encoder(*bundle);
  std::vector<float> stored(content.spec->dim());
  size_t compared = 0;
  for (Row row = 0; row < items.size(); ++row) {
    google::protobuf::Struct features;
    auto& fields = *features.mutable_fields();
    fields["text"].set_string_value(items[row].text);
    // As a field of items.csv, or as a list.
    if (row % 4 == 0) {
      fields["tags"].set_string_value("a | b");
    } else {
      for (const std::string& tag : items[row].tags) {
        fields["tags"].mutable_list_value()->add_values()->set_string_value(
            tag);
      }
    }
    if (row % 5 == 0) {
      fields["price"].set_string_value(items[row].price);
    } else if (!items[row].price.empty()) {
      fields["price"].set_number_value(std::stod(items[row].price));
    }
    std::vector<std::vector<float>> vectors(bundle->spaces().size());
    encoder.Encode(features, &vectors);
    const auto position = content.items.Find(row);
    ASSERT_EQ(position.has_value(), !vectors[space].empty()) << row;
    if (!position.has_value()) continue;
    content.items.Read(*position, stored);
    for (size_t d = 0; d < stored.size(); ++d) {
      // What is stored has 16 bits, perhaps.
      ASSERT_NEAR(vectors[space][d], stored[d], 2e-3) << row;
    }
    ++compared;
  }
  EXPECT_EQ(compared, items.size());
}

TEST(LiveItemEncoderTest, LeavesVectorsThatWereGivenAndItemsItKnowsNothingOf) {
  const auto bundle = Build(ShopItems());
  const auto space = static_cast<size_t>(bundle->FindSpace("content") -
                                         bundle->spaces().data());
  const LiveItemEncoder encoder(*bundle);
  std::vector<std::vector<float>> vectors(bundle->spaces().size());
  google::protobuf::Struct features;
  (*features.mutable_fields())["colour"].set_string_value("red");
  encoder.Encode(features, &vectors);
  EXPECT_TRUE(vectors[space].empty());
  (*features.mutable_fields())["text"].set_string_value("lamp");
  const std::vector<float> given(bundle->spaces()[space].spec->dim(), 3);
  vectors[space] = given;
  encoder.Encode(features, &vectors);
  EXPECT_EQ(vectors[space], given);
}

}  // namespace
}  // namespace tributary
