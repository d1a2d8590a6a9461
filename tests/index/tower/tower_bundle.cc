#include "tests/index/tower/tower_bundle.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

constexpr char kManifest[] = R"pb(
  items { kind: UINT64 count: 6 }
  users { kind: UINT64 count: 3 }
  spaces {
    name: "taste"
    dim: 2
    metric: INNER_PRODUCT
    fingerprint: "f00d"
    item_vectors: 5
    history_encoder: TOWER
    index { kind: "flat" }
    user_tower {
      history {
        dim: 2
        item_vectors: 5
        max_items: 4
        pooling: DECAYED_SUM
        decays: 1
      }
    }
  }
  retrievers { name: "taste" kind: "vector" space: "taste" }
)pb";

}  // namespace

TowerBundle::TowerBundle()
    : arrays{{"taste.items", {{1, 5, 2, 4, 3, 3, 4, 2, 5, 1}, 2}},
             {"taste.history", {{1, 0, 0, 1, 2, 0, 0, 3, 4, 4}, 2}}},
      rows{{"taste.items.rows", {0, 1, 2, 3, 4}},
           {"taste.history.rows", {0, 1, 2, 3, 4}},
           {"seen.rows", {0, 1}}} {
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kManifest, &manifest));
}

v1::Layer& TowerBundle::AddLayer(v1::Layer::Kind kind) {
  v1::Layer& layer = *tower().add_layers();
  layer.set_kind(kind);
  return layer;
}

std::filesystem::path TowerBundle::Write() const {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE(writer
                  ->AddKeys("items", KeyList{.kind = v1::UINT64,
                                             .ids = {0, 1, 2, 3, 4, 5},
                                             .strings = {}})
                  .ok());
  EXPECT_TRUE(writer
                  ->AddKeys("users", KeyList{.kind = v1::UINT64,
                                             .ids = {10, 20, 30},
                                             .strings = {}})
                  .ok());
  const std::vector<uint64_t> offsets = {0, 2, 2, 2};
  EXPECT_TRUE(writer->AddArray<uint64_t>("seen.offsets.npy", offsets).ok());
  for (const auto& [name, array] : arrays) {
    EXPECT_TRUE(
        writer->AddArray<float>(name + ".npy", array.values, array.columns)
            .ok());
  }
  for (const auto& [name, values] : rows) {
    EXPECT_TRUE(writer->AddArray<Row>(name + ".npy", values).ok());
  }
  for (const auto& [name, list] : keys) {
    EXPECT_TRUE(writer->AddKeys(name, list).ok());
  }
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  return *dir;
}

std::shared_ptr<const Bundle> TowerBundle::Open() const {
  auto bundle = Bundle::Open(Write());
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  return *std::move(bundle);
}

}  // namespace tributary
