#include "tests/index/search/space_bundle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <span>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

void ExpectOk(const absl::Status& status) {
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace

std::vector<float> RandomVectors(size_t count, uint32_t dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count * dim);
  for (float& value : values) value = normal(random);
  return values;
}

float WidenByDefinition(Half value) {
  const int sign = (value.bits >> 15) != 0 ? -1 : 1;
  const int exponent = (value.bits >> 10) & 31;
  const int mantissa = value.bits & 1023;
  return exponent == 0
             ? std::ldexp(static_cast<float>(sign * mantissa), -24)
             : std::ldexp(static_cast<float>(sign * (1024 + mantissa)),
                          exponent - 25);
}

std::shared_ptr<const Bundle> SpaceBundle::Open() const {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  ExpectOk(writer.status());
  KeyList keys;
  keys.ids.resize(item_count);
  std::iota(keys.ids.begin(), keys.ids.end(), 0);
  ExpectOk(writer->AddKeys("items", keys));
  if (halves.empty()) {
    ExpectOk(writer->AddArray<float>("space.items.npy", items, dim));
  } else {
    ExpectOk(writer->AddArray<Half>("space.items.npy", halves, dim));
  }
  if (!rows.empty()) {
    ExpectOk(writer->AddArray<Row>("space.items.rows.npy", rows));
  }
  if (write_index) ExpectOk(writer->AddFile("space.index", write_index));
  if (add_files) ExpectOk(add_files(&*writer));

  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(v1::UINT64);
  manifest.mutable_items()->set_count(item_count);
  v1::EmbeddingSpace& space = *manifest.add_spaces();
  space = spec;
  space.set_name("space");
  space.set_dim(dim);
  space.set_item_vectors(rows.empty() ? item_count : rows.size());
  space.set_fingerprint("f");
  if (space.metric() == v1::METRIC_UNSPECIFIED) {
    space.set_metric(v1::INNER_PRODUCT);
  }
  if (!space.has_index()) space.mutable_index()->set_kind("flat");
  v1::RetrieverSpec& retriever = *manifest.add_retrievers();
  retriever.set_name("space");
  retriever.set_kind("vector");
  retriever.set_space("space");
  for (const auto& query : golden_queries) {
    *manifest.add_golden_queries() = query;
  }
  const auto dir = writer->Finish(manifest);
  ExpectOk(dir.status());
  auto bundle = Bundle::Open(*dir);
  ExpectOk(bundle.status());
  return *std::move(bundle);
}

}  // namespace tributary
