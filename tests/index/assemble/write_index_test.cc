#include "index/assemble/write_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "index/search/vector_index.h"
#include "index/train/half_precision.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kDim = 24;
constexpr uint32_t kVectors = 6000;
constexpr uint32_t kN = 50;

v1::IndexChoice Choice(const std::string& kind) {
  v1::IndexChoice choice;
  choice.set_kind(kind);
  choice.set_target_recall(0.95);
  choice.set_target_n(kN);
  return choice;
}

// Whether halves are stored, and the kind asked for.
class WrittenIndex
    : public testing::TestWithParam<std::tuple<bool, std::string>> {};

TEST_P(WrittenIndex, OpensAndFindsWhatItPromised) {
  const bool half = std::get<0>(GetParam());
  const std::string& kind = std::get<1>(GetParam());
  SpaceBundle description{.item_count = kVectors, .dim = kDim};
  description.items = MixtureVectors(kVectors, kDim, 30, 1);
  if (half) description.halves = ToHalves(description.items);
  const auto queries = MixtureVectors(100, kDim, 30, 2);
  v1::IndexSpec* const spec = description.spec.mutable_index();
  description.add_files = [&](BundleWriter* writer) {
    auto written = WriteIndex({.space = "space",
                               .dim = kDim,
                               .values = description.items,
                               .half = half,
                               .queries = queries,
                               .choice = Choice(kind),
                               .threads = 2},
                              writer);
    if (written.ok()) *spec = *written;
    return written.status();
  };
  const auto bundle = description.Open();
  if (kind != "auto") {
    EXPECT_EQ(spec->kind(), kind);
  }
  EXPECT_EQ(spec->measured_n(), kN);
  EXPECT_GE(spec->measured_recall(), 0.95);
  EXPECT_TRUE(CheckIndexes(*bundle).ok()) << CheckIndexes(*bundle);
  const auto index = OpenIndex(*bundle, bundle->spaces()[0]);
  ASSERT_TRUE(index.ok()) << index.status();
  std::vector<ScoredRow> hits;
  ASSERT_TRUE((*index)
                  ->Search(std::span(queries).first(kDim), kN, {},
                           SteadyTime::max(), &hits)
                  .ok());
  EXPECT_EQ(hits.size(), kN);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrittenIndex,
    testing::Combine(testing::Bool(),
                     testing::Values("auto", "flat", "scan", "ivf", "faiss")));

TEST(WriteIndex, MeasuresByWhatIsStored) {
  // Halves do not tell them apart, so that the best are not found.
  std::vector<float> values;
  for (int i = 0; i < 400; ++i) {
    values.insert(values.end(), {1000 + 0.001f * static_cast<float>(i), 1});
  }
  v1::IndexChoice choice = Choice("scan");
  choice.set_target_n(10);
  const std::vector<float> query = {1, 0};
  for (const bool half : {false, true}) {
    auto writer = BundleWriter::Create(MakeTestDir(), 1);
    const auto written = WriteIndex({.space = "space",
                                     .dim = 2,
                                     .values = values,
                                     .half = half,
                                     .queries = query,
                                     .choice = choice},
                                    &*writer);
    EXPECT_EQ(
        written.status().code(),
        half ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kOk);
  }
}

}  // namespace
}  // namespace tributary
