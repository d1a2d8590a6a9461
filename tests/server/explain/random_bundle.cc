#include "tests/server/explain/random_bundle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"
#include "index/search/coded_index.h"
#include "index/search/coded_vectors.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 16;
constexpr uint32_t kLists = 12;
constexpr uint32_t kNeighbors = 8;
constexpr uint32_t kPopular = kRandomItems / 3;
constexpr uint32_t kSeen = 10;

constexpr char kManifest[] = R"pb(
  items { kind: UTF8 }
  users { kind: UINT64 }
  spaces {
    name: "taste"
    metric: INNER_PRODUCT
    fingerprint: "f1"
    history_encoder: MEAN
    index { kind: "flat" }
  }
  spaces {
    name: "text"
    metric: INNER_PRODUCT
    fingerprint: "f2"
    history_encoder: MEAN
    index { kind: "ivf" probes: 1 reranked: 64 measured_n: 50 }
  }
  popularity { name: "all" }
  neighbors { name: "joint" }
  retrievers { name: "behavior" kind: "vector" space: "taste" }
  retrievers { name: "content" kind: "vector" space: "text" }
  retrievers { name: "popularity" kind: "popularity" lists: "all" }
  retrievers {
    name: "neighbors"
    kind: "neighbors"
    table: "joint"
    decay: 0.5
    max_history: 20
  }
)pb";

void ExpectOk(const absl::Status& status) {
  EXPECT_TRUE(status.ok()) << status;
}

template <typename T>
void Add(BundleWriter& writer, std::string_view name,
         const std::vector<T>& values, uint64_t columns = 0) {
  ExpectOk(writer.AddArray<T>(name, values, columns));
}

std::vector<Row> DrawRows(uint32_t count, std::mt19937* random) {
  std::vector<Row> rows(kRandomItems);
  for (Row row = 0; row < kRandomItems; ++row) rows[row] = row;
  std::shuffle(rows.begin(), rows.end(), *random);
  rows.resize(count);
  return rows;
}

void AddKeys(BundleWriter& writer) {
  KeyList items{v1::UTF8, {}, {}};
  for (uint32_t i = 0; i < kRandomItems; ++i) {
    items.strings.push_back(fmt::format("i{:03}", i));
  }
  KeyList users{v1::UINT64, {}, {}};
  for (uint32_t i = 0; i < kRandomUsers; ++i) users.ids.push_back(i);
  ExpectOk(writer.AddKeys("items", items));
  ExpectOk(writer.AddKeys("users", users));
}

// The flat space, with vectors of all; and the other one.
void AddSpaces(uint32_t seed, BundleWriter& writer, v1::Manifest* manifest) {
  v1::EmbeddingSpace& taste = *manifest->mutable_spaces(0);
  taste.set_dim(kDim);
  taste.set_item_vectors(kRandomItems);
  taste.set_user_vectors(kRandomUsers);
  Add(writer, "taste.items.npy", RandomVectors(kRandomItems, kDim, seed), kDim);
  Add(writer, "taste.users.npy", RandomVectors(kRandomUsers, kDim, seed + 1),
      kDim);

  v1::EmbeddingSpace& text = *manifest->mutable_spaces(1);
  std::mt19937 random(seed + 2);
  std::vector<Row> rows = DrawRows(kRandomItems * 9 / 10, &random);
  std::sort(rows.begin(), rows.end());
  const std::vector<float> values = RandomVectors(rows.size(), kDim, seed + 3);
  text.set_dim(kDim);
  text.set_item_vectors(rows.size());
  Add(writer, "text.items.npy", values, kDim);
  Add(writer, "text.items.rows.npy", rows);
  auto arrays = EncodeVectors(values, kDim, DefaultCodeDims(kDim), kLists, 1);
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  text.mutable_index()->set_code_dims(arrays->code_dims);
  text.mutable_index()->set_lists(arrays->view().lists());
  ExpectOk(WriteCodedArrays("text", *arrays, &writer));
}

void AddLists(BundleWriter& writer, std::mt19937* random,
              v1::Manifest* manifest) {
  std::vector<float> scores(kPopular);
  for (uint32_t i = 0; i < kPopular; ++i) {
    scores[i] = static_cast<float>(kPopular - i);
  }
  manifest->mutable_popularity(0)->set_count(kPopular);
  Add(writer, "popularity.all.npy", DrawRows(kPopular, random));
  Add(writer, "popularity.all.scores.npy", scores);

  std::vector<Row> neighbors;
  std::vector<float> likeness;
  for (Row item = 0; item < kRandomItems; ++item) {
    std::vector<Row> others = DrawRows(kNeighbors + 1, random);
    std::erase(others, item);
    others.resize(kNeighbors);
    for (uint32_t i = 0; i < kNeighbors; ++i) {
      neighbors.push_back(others[i]);
      likeness.push_back(1 / static_cast<float>(i + 1));
    }
  }
  manifest->mutable_neighbors(0)->set_width(kNeighbors);
  Add(writer, "neighbors.joint.rows.npy", neighbors, kNeighbors);
  Add(writer, "neighbors.joint.scores.npy", likeness, kNeighbors);

  std::vector<uint64_t> offsets = {0};
  std::vector<Row> seen;
  for (uint32_t user = 0; user < kRandomUsers; ++user) {
    // The last users are new.
    const uint32_t count = user + 4 < kRandomUsers ? kSeen : 0;
    for (const Row row : DrawRows(count, random)) seen.push_back(row);
    offsets.push_back(seen.size());
  }
  Add(writer, "seen.offsets.npy", offsets);
  Add(writer, "seen.rows.npy", seen);
}

}  // namespace

std::shared_ptr<const ServingBundle> ServeRandomBundle(uint32_t seed) {
  return ServeRandomBundle(seed, DrawItems(kRandomItems, seed));
}

std::shared_ptr<const ServingBundle> ServeRandomBundle(
    uint32_t seed, const std::vector<AttributedItem>& items) {
  std::mt19937 random(seed);
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  ExpectOk(writer.status());
  v1::Manifest manifest;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kManifest, &manifest));
  manifest.mutable_items()->set_count(kRandomItems);
  manifest.mutable_users()->set_count(kRandomUsers);
  AddKeys(*writer);
  AddSpaces(seed, *writer, &manifest);
  AddLists(*writer, &random, &manifest);
  AddAttributes(items, &*writer, &manifest);
  const auto dir = writer->Finish(manifest);
  ExpectOk(dir.status());
  const auto bundle = Bundle::Open(*dir);
  ExpectOk(bundle.status());
  auto serving = ServingBundle::Open(*bundle, RetrieverRegistry::BuiltIn());
  ExpectOk(serving.status());
  return *std::move(serving);
}

}  // namespace tributary
