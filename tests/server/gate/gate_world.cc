#include "tests/server/gate/gate_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "index/bundle/bundle_writer.h"
#include "index/search/faiss_searcher.h"
#include "index/search/vector_index.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 8;
constexpr double kNoise = 0.1;
constexpr uint32_t kGolden = 5;

void ExpectOk(const absl::Status& status) {
  EXPECT_TRUE(status.ok()) << status;
}

// Vectors that are the same for all versions, plus the version's own noise.
std::vector<float> MakeVectors(uint32_t count, uint32_t truth_seed,
                               uint32_t noise_seed, double scale) {
  std::vector<float> values = RandomVectors(count, kDim, truth_seed);
  const auto noise = RandomVectors(count, kDim, noise_seed);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((values[i] + kNoise * noise[i]) * scale);
  }
  return values;
}

// Moves vector i to position i + 7.
void MixUp(std::vector<float>* vectors) {
  std::rotate(vectors->begin(), vectors->end() - 7 * kDim, vectors->end());
}

KeyList Keys(uint32_t count) {
  KeyList keys;
  keys.ids.resize(count);
  std::iota(keys.ids.begin(), keys.ids.end(), 0);
  return keys;
}

void AddPopularity(uint32_t count, BundleWriter* writer,
                   v1::Manifest* manifest) {
  std::vector<Row> rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<float> scores(rows.rbegin(), rows.rend());
  ExpectOk(writer->AddArray<Row>("popularity.all.npy", rows));
  ExpectOk(writer->AddArray<float>("popularity.all.scores.npy", scores));
  v1::PopularityList& list = *manifest->add_popularity();
  list.set_name("all");
  list.set_count(count);
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  retriever.set_name("popularity");
  retriever.set_kind("popularity");
  retriever.add_lists("all");
}

v1::EmbeddingSpace& AddSpace(const GateWorld& world, uint32_t item_vectors,
                             v1::Manifest* manifest) {
  v1::EmbeddingSpace& space = *manifest->add_spaces();
  space.set_name("taste");
  space.set_dim(kDim);
  space.set_metric(v1::INNER_PRODUCT);
  space.set_fingerprint(world.fingerprint);
  space.set_item_vectors(item_vectors);
  space.set_user_vectors(world.users);
  space.mutable_index()->set_kind("flat");
  v1::RetrieverSpec& retriever = *manifest->add_retrievers();
  retriever.set_name("taste");
  retriever.set_kind("vector");
  retriever.set_space("taste");
  return space;
}

void AddFaissIndex(const GateWorld& world, std::span<const float> vectors,
                   BundleWriter* writer, v1::IndexSpec* spec) {
  auto index = FaissSearcher::Train(world.factory, vectors, kDim);
  ASSERT_TRUE(index.ok()) << index.status();
  const auto write = [&](const std::filesystem::path& file) {
    const absl::Status status = index->Write(file);
    if (world.damage == nullptr) return status;
    std::string bytes = ReadFile(file);
    world.damage(&bytes);
    OverwriteFile(file, bytes);
    return status;
  };
  ExpectOk(writer->AddFile("taste.index", write));
  spec->set_kind("faiss");
  spec->set_factory(world.factory);
  spec->set_nprobe(1);
}

// Adds random query vectors, each with its exact best item.
void AddGolden(std::span<const float> items, v1::Manifest* manifest) {
  const auto vectors = RandomVectors(kGolden, kDim, 99);
  for (uint32_t q = 0; q < kGolden; ++q) {
    const std::span<const float> vector(&vectors[q * kDim], kDim);
    v1::GoldenQuery& golden = *manifest->add_golden_queries();
    golden.set_space("taste");
    golden.mutable_vector()->Add(vector.begin(), vector.end());
    std::vector<ScoredRow> all;
    for (size_t i = 0; i < items.size(); i += kDim) {
      all.push_back(
          {static_cast<Row>(i / kDim),
           std::inner_product(vector.begin(), vector.end(), &items[i], 0.0f)});
    }
    std::sort(all.begin(), all.end(), Better);
    golden.add_rows(all[0].row);
    golden.add_scores(all[0].score);
  }
}

}  // namespace

std::filesystem::path GateWorld::Write(const std::filesystem::path& root,
                                       uint64_t version) const {
  auto writer = BundleWriter::Create(root, version);
  ExpectOk(writer.status());
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(v1::UINT64);
  manifest.mutable_items()->set_count(items);
  ExpectOk(writer->AddKeys("items", Keys(items)));
  const uint32_t vectors = std::min(items, item_vectors);
  auto item_values = MakeVectors(vectors, 11, 100 + noise_seed, scale);
  if (items_mixed_up) MixUp(&item_values);
  ExpectOk(writer->AddArray<float>("taste.items.npy", item_values, kDim));
  if (vectors < items) {
    std::vector<Row> rows(vectors);
    std::iota(rows.begin(), rows.end(), 0);
    ExpectOk(writer->AddArray<Row>("taste.items.rows.npy", rows));
  }
  v1::EmbeddingSpace& space = AddSpace(*this, vectors, &manifest);
  if (!factory.empty()) {
    AddFaissIndex(*this, item_values, &*writer, space.mutable_index());
  }
  if (users > 0) {
    manifest.mutable_users()->set_kind(v1::UINT64);
    manifest.mutable_users()->set_count(users);
    ExpectOk(writer->AddKeys("users", Keys(users)));
    auto user_values = MakeVectors(users, 12, 200 + noise_seed, scale);
    if (users_mixed_up) MixUp(&user_values);
    ExpectOk(writer->AddArray<float>("taste.users.npy", user_values, kDim));
  }
  if (golden_queries) AddGolden(item_values, &manifest);
  AddPopularity(popular, &*writer, &manifest);
  if (!own_kind.empty()) {
    v1::RetrieverSpec& own = *manifest.add_retrievers();
    own.set_name("own");
    own.set_kind(own_kind);
  }
  const auto dir = writer->Finish(manifest);
  ExpectOk(dir.status());
  return dir.value_or(std::filesystem::path());
}

}  // namespace tributary
