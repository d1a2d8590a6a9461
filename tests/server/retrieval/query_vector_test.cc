#include "server/retrieval/query_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "index/search/faiss_searcher.h"
#include "server/retrieval/vector_retriever.h"
#include "tests/index/search/coded_bundle.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr float kMax = std::numeric_limits<float>::max();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kDim = 16;
constexpr uint64_t kItems = 600;
constexpr uint32_t kN = 40;

std::string Problem(const std::vector<float>& values) {
  const absl::Status status = CheckQueryVector(values);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(CheckQueryVector, NamesWhatCannotBeSearchedBy) {
  EXPECT_EQ(Problem({1, 2}), "");
  EXPECT_EQ(Problem({0, 1e-45F}), "");
  EXPECT_EQ(Problem({kMax, -kMax}), "");
  EXPECT_THAT(Problem({0, -0.0F}), HasSubstr("every value is 0"));
  EXPECT_EQ(Problem({1, std::nanf("")}),
            "value 1 is nan, expected a finite number");
  EXPECT_EQ(Problem({-kInfinity, 1}),
            "value 0 is -inf, expected a finite number");
}

TEST(ScaleForSearch, LeavesUsualQueriesOfInnerProductsAsTheyAre) {
  std::vector<float> vector = {3, -4};
  EXPECT_EQ(ScaleForSearch(v1::INNER_PRODUCT, vector), 1);
  EXPECT_THAT(vector, ElementsAre(3, -4));
  EXPECT_EQ(ScaleForSearch(v1::COSINE, vector), 1);
  EXPECT_THAT(vector, ElementsAre(.6F, -.8F));
}

TEST(ScaleForSearch, NormalisesWhatFloatsCannotSquare) {
  for (const float scale : {1e38F, 1e30F, 1e-30F, 1e-38F, 1e-43F}) {
    for (const v1::Metric metric : {v1::COSINE, v1::INNER_PRODUCT}) {
      std::vector<float> vector = {3 * scale, -3 * scale};
      const double length = 3 * double{scale} * std::sqrt(2.0);
      const double factor = ScaleForSearch(metric, vector);
      EXPECT_NEAR(factor / (metric == v1::COSINE ? 1 : length), 1, 1e-2);
      EXPECT_FLOAT_EQ(vector[0], std::sqrt(.5F)) << scale;
      EXPECT_FLOAT_EQ(vector[1], -std::sqrt(.5F)) << scale;
    }
  }
}

TEST(ScaleForSearch, RefusesWhatHasNoDirection) {
  for (const float value : {0.0F, std::nanf(""), kInfinity}) {
    std::vector<float> vector = {value, 0};
    EXPECT_EQ(ScaleForSearch(v1::COSINE, vector), 0);
  }
}

TEST(RestoreScores, EndsAtTheRangeOfFloatInTheOrderOfTheSearch) {
  std::vector<ScoredRow> hits = {{9, 2}, {3, 1}, {4, 1e-10F}, {5, -3}};
  RestoreScores(1e39, &hits);
  EXPECT_THAT(hits, ElementsAre(ScoredRow{9, kMax}, ScoredRow{3, kMax},
                                ScoredRow{4, 1e29F}, ScoredRow{5, -kMax}));
}

TEST(RestoreScores, MakesFiniteWhatASearchOverflowed) {
  std::vector<ScoredRow> hits = {{1, kInfinity}, {2, 5}, {3, std::nanf("")}};
  RestoreScores(1, &hits);
  EXPECT_THAT(hits, ElementsAre(ScoredRow{1, kMax}, ScoredRow{2, 5}));
}

// A kind of index, and whether it finds all of the best.
struct Kind {
  std::string name;
  std::string factory;
  uint32_t lists;
  bool exact;
};

std::shared_ptr<const Bundle> BundleOf(const Kind& kind, v1::Metric metric) {
  SpaceBundle description{.item_count = kItems, .dim = kDim};
  description.items = RandomVectors(kItems, kDim, 3);
  description.spec.set_metric(metric);
  if (kind.lists > 0) {
    AddCodedIndex(kind.lists, {kN, kind.lists, 300}, &description);
  } else if (!kind.factory.empty()) {
    description.spec.mutable_index()->set_kind("faiss");
    description.spec.mutable_index()->set_ef_search(200);
    description.write_index = [&](const std::filesystem::path& path) {
      const auto values = RandomVectors(kItems, kDim, 3);
      return FaissSearcher::Train(kind.factory, values, kDim)->Write(path);
    };
  }
  return description.Open();
}

std::vector<ScoredRow> AnswerTo(const Retriever& retriever,
                                std::span<const float> values) {
  const std::vector<SpaceVector> vectors = {{"space", values}};
  std::vector<ScoredRow> proposals;
  const auto ask = retriever.Retrieve({.vectors = vectors}, kN, &proposals);
  EXPECT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(*ask, Ask::kAnswered);
  EXPECT_THAT(proposals, SizeIs(kN));
  for (size_t i = 0; i < proposals.size(); ++i) {
    EXPECT_TRUE(std::isfinite(proposals[i].score)) << proposals[i].score;
    if (i == 0) continue;
    EXPECT_GE(proposals[i - 1].score, proposals[i].score);
  }
  return proposals;
}

class ExtremeQueries : public testing::TestWithParam<Kind> {};

TEST_P(ExtremeQueries, FindWhatTheirDirectionFinds) {
  for (const v1::Metric metric : {v1::INNER_PRODUCT, v1::COSINE}) {
    const auto bundle = BundleOf(GetParam(), metric);
    v1::RetrieverSpec spec;
    spec.set_space("space");
    const auto retriever = VectorRetriever::Create(*bundle, spec);
    ASSERT_TRUE(retriever.ok()) << retriever.status();
    // All signs differ, so that sums of products that overflow would be NaN.
    std::vector<float> usual(kDim);
    for (uint32_t i = 0; i < kDim; ++i) usual[i] = i % 2 == 0 ? .75F : -.5F;
    const auto expected = AnswerTo(**retriever, usual);
    for (const float scale : {3e38F, 1e30F, 1e20F, 1e-30F, 1e-37F}) {
      std::vector<float> extreme = usual;
      for (float& x : extreme) x *= scale;
      const auto found = AnswerTo(**retriever, extreme);
      // Rounding may differ by the last bit.
      uint32_t same = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        same += found[i].row == expected[i].row;
      }
      EXPECT_GE(same, GetParam().exact ? kN - 2 : kN * 8 / 10)
          << GetParam().name << " " << scale;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ExtremeQueries,
    testing::Values(Kind{"flat", "", 0, true}, Kind{"scan", "", 1, false},
                    Kind{"ivf", "", 8, false},
                    Kind{"faiss_flat", "Flat", 0, true},
                    Kind{"faiss_ivf", "IVF4,SQ8", 0, false},
                    Kind{"faiss_hnsw", "HNSW16", 0, false},
                    Kind{"faiss_pq", "PQ8x4,RFlat", 0, false}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace tributary
