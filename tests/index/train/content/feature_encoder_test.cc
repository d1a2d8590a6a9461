#include "index/train/content/feature_encoder.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/data/data_set_builder.h"
#include "index/data/synthetic_data.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using Kind = FeatureColumn::Kind;

// Items with text, categories and numbers, some of them missing; the last item
// has nothing at all.
DataSet Shop() {
  DataSetBuilder builder;
  const size_t text = builder.item_features.AddColumn("text", Kind::kText);
  const size_t tags = builder.item_features.AddColumn("tags", Kind::kTokens);
  const size_t price = builder.item_features.AddColumn("price", Kind::kNumber);
  const size_t same = builder.item_features.AddColumn("same", Kind::kNumber);
  const size_t size = builder.item_features.AddColumn("size", Kind::kNumber);
  for (uint32_t item = 0; item < 41; ++item) {
    builder.items.Add(std::to_string(1000 + item));
    if (item == 40) continue;
    builder.item_features.Set(
        text, item,
        item % 3 == 0 ? "A bright LAMP, a lamp" : "Schöner alter Stuhl");
    builder.item_features.Set(tags, item,
                              item % 2 == 0 ? "a\x1f"
                                              "b"
                                            : "b");
    builder.item_features.Set(price, item,
                              item % 7 == 0 ? "" : std::to_string(item * item));
    builder.item_features.Set(same, item, "7");
    builder.item_features.Set(size, item, item % 5 == 0 ? "nan" : "-2e3");
  }
  return std::move(builder).Finish();
}

std::shared_ptr<const Bundle> Build(const DataSet& data,
                                    const v1::BuildConfig& config = {}) {
  BuildRequest request;
  request.root = MakeTestDir();
  request.config = config;
  const auto built = BuildBundle(data, request);
  EXPECT_TRUE(built.ok()) << built.status();
  EXPECT_TRUE(VerifyBundle(*built).ok()) << VerifyBundle(*built);
  return *Bundle::Open(*built);
}

// Encodes every item again and holds it against its stored vector.
void ExpectSameVectors(const DataSet& data, const Bundle& bundle) {
  const EmbeddingSpace& space = *bundle.FindSpace("content");
  const FeatureEncoder encoder(space);
  std::vector<float> stored(space.spec->dim());
  std::vector<float> encoded(space.spec->dim());
  for (Row row = 0; row < data.items.size(); ++row) {
    const auto position = space.items.Find(row);
    ASSERT_EQ(encoder.Encode(data.item_features, row, encoded),
              position.has_value())
        << row;
    if (!position) continue;
    space.items.Read(*position, stored);
    for (size_t d = 0; d < stored.size(); ++d) {
      ASSERT_NEAR(encoded[d], stored[d], 1e-3) << row << " " << d;
    }
  }
}

TEST(FeatureEncoder, GivesEveryItemOfTheCatalogueItsStoredVector) {
  DataSet synthetic = MakeSyntheticData(1).data;
  // Features alone make the vectors.
  synthetic.interactions.clear();
  for (const DataSet& data : {Shop(), synthetic}) {
    ExpectSameVectors(data, *Build(data));
  }
}

TEST(FeatureEncoder, WeighsColumnsAsTheBuildDid) {
  v1::BuildConfig config;
  auto& weights = *config.mutable_content()->mutable_column_weights();
  weights["text"] = 2.5;
  weights["tags"] = 0;
  weights["price"] = 3;
  weights["same"] = 0;
  const DataSet data = Shop();
  const auto bundle = Build(data, config);
  ExpectSameVectors(data, *bundle);
  const v1::FeatureEncoder& spec =
      bundle->FindSpace("content")->spec->feature_encoder();
  EXPECT_EQ(spec.columns_size(), 5);
  EXPECT_EQ(spec.columns(0).weight(), 2.5);
  EXPECT_EQ(spec.columns(1).weight(), 0);
  EXPECT_GT(spec.columns(2).deviation(), 0);
  EXPECT_EQ(spec.columns(3).deviation(), 0);
}

TEST(FeatureEncoder, UnknownTermsAndMissingNumbersAreNoFeatures) {
  const auto bundle = Build(Shop());
  const EmbeddingSpace& space = *bundle->FindSpace("content");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<FeatureColumn> columns = {
      {"text", Kind::kText, {"table"}, {}},
      {"tags", Kind::kTokens, {"c"}, {}},
      {"price", Kind::kNumber, {}, {nan}},
      {"same", Kind::kNumber, {}, {8}},
      {"size", Kind::kNumber, {}, {nan}}};
  std::vector<float> vector(space.spec->dim());
  EXPECT_FALSE(FeatureEncoder(space).Encode(columns, 0, vector));
}

TEST(FeatureEncoder, ItsFilesAreVerified) {
  const auto bundle = Build(Shop());
  const auto dir = bundle->dir();
  const std::string manifest = ReadFile(dir / kManifestName);
  for (const char* file : {"content.terms.keys.utf8", "content.terms.idf.npy",
                           "content.projection.npy"}) {
    const std::string bytes = ReadFile(dir / file);
    std::string damaged = bytes;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    OverwriteFile(dir / file, damaged);
    EXPECT_THAT(std::string(VerifyBundle(dir).message()), HasSubstr(file));
    OverwriteFile(dir / file, bytes);
  }
  std::string fewer = manifest;
  const std::string terms = "\"terms\": \"8\"";
  ASSERT_NE(fewer.find(terms), std::string::npos) << fewer;
  fewer.replace(fewer.find(terms), terms.size(), "\"terms\": \"6\"");
  OverwriteFile(dir / kManifestName, fewer);
  EXPECT_THAT(std::string(Bundle::Open(dir).status().message()),
              HasSubstr("content.terms"));
}

}  // namespace
}  // namespace tributary
