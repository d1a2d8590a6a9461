#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "index/search/faiss_searcher.h"
#include "index/search/vector_index.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint32_t kDim = 8;
constexpr uint32_t kN = 20;

// 1000 items and three golden queries with their exact answers.
class CheckIndexesTest : public testing::Test {
 protected:
  CheckIndexesTest() {
    description_.items = RandomVectors(1000, kDim, 1);
    const auto bundle = description_.Open();
    const auto flat = MakeFlatIndex(bundle->spaces()[0].items);
    for (uint32_t seed = 2; seed < 5; ++seed) {
      const auto query = RandomVectors(1, kDim, seed);
      std::vector<ScoredRow> hits;
      EXPECT_TRUE(flat->Search(query, kN, {}, SteadyTime::max(), &hits).ok());
      v1::GoldenQuery& golden = description_.golden_queries.emplace_back();
      golden.set_space("space");
      golden.mutable_vector()->Add(query.begin(), query.end());
      for (const ScoredRow& hit : hits) {
        golden.add_rows(hit.row);
        golden.add_scores(hit.score);
      }
    }
  }

  absl::Status Check() { return CheckIndexes(*description_.Open()); }

  void ExpectDataLoss(const std::string& what) {
    const auto status = Check();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("space space"), HasSubstr(what)));
  }

  SpaceBundle description_{.item_count = 1000, .dim = kDim};
};

TEST_F(CheckIndexesTest, PassesWhenGoldenAnswersAreExact) {
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(CheckIndexesTest, ForgivesRounding) {
  auto& golden = description_.golden_queries[1];
  for (float& score : *golden.mutable_scores()) score *= 1 + 1e-5f;
  EXPECT_TRUE(Check().ok()) << Check();
}

// A score near 0, whose terms cancel out, is as exact as its terms are long.
TEST_F(CheckIndexesTest, ForgivesRoundingOfScoresNearZero) {
  description_.items = {1000, 1000, 1, 0, 0, 0, 0, 0};
  description_.item_count = 1;
  v1::GoldenQuery& golden = description_.golden_queries[0];
  golden.clear_vector();
  for (const float x : {1.F, -1.F, 1e-3F, 0.F, 0.F, 0.F, 0.F, 0.F}) {
    golden.add_vector(x);
  }
  golden.clear_rows();
  golden.clear_scores();
  golden.add_rows(0);
  golden.add_scores(1e-3F + 1e-4F);
  description_.golden_queries = {golden};
  EXPECT_TRUE(Check().ok()) << Check();
  // 1e-4 of the product of the lengths is .2.
  description_.golden_queries[0].set_scores(0, 0.3F);
  ExpectDataLoss("golden query 0: rank 1 ");
}

TEST_F(CheckIndexesTest, ScoresThatAreNoNumbersAreNeverNear) {
  auto& golden = description_.golden_queries[1];
  golden.set_scores(2, std::numeric_limits<float>::quiet_NaN());
  ExpectDataLoss("golden query 1: rank 3 ");
  golden.set_scores(2, std::numeric_limits<float>::infinity());
  ExpectDataLoss("golden query 1: rank 3 ");
}

TEST_F(CheckIndexesTest, NamesTheQueryWithAnotherScore) {
  description_.golden_queries[1].set_scores(0, 100);
  ExpectDataLoss("golden query 1: rank 1 ");
}

TEST_F(CheckIndexesTest, NamesTheQueryWithAnotherRow) {
  auto& golden = description_.golden_queries[2];
  golden.mutable_rows()->SwapElements(3, 9);
  ExpectDataLoss("golden query 2: rank 4 ");
}

TEST_F(CheckIndexesTest, NamesTheQueryWithARowOutsideTheTable) {
  description_.golden_queries[0].set_rows(19, 1000);
  ExpectDataLoss("golden query 0: rank 20 is row 1000");
}

TEST_F(CheckIndexesTest, LetsRowsOfEqualScoreSwap) {
  // A copy of the best item of query 0 has the same score.
  auto& golden = description_.golden_queries[0];
  const Row best = golden.rows(0);
  const auto* vector = &description_.items[best * kDim];
  description_.items.insert(description_.items.end(), vector, vector + kDim);
  description_.item_count = 1001;
  description_.golden_queries = {golden};
  auto& swapped = description_.golden_queries[0];
  for (int i = kN - 1; i > 0; --i) {
    swapped.set_rows(i, swapped.rows(i - 1));
    swapped.set_scores(i, swapped.scores(i - 1));
  }
  swapped.set_rows(0, 1000);
  EXPECT_TRUE(Check().ok()) << Check();
}

class CheckFaissIndexesTest : public CheckIndexesTest {
 protected:
  CheckFaissIndexesTest() {
    description_.write_index = [this](const std::filesystem::path& path) {
      return FaissSearcher::Train("IVF25,Flat", description_.items, kDim)
          ->Write(path);
    };
    auto& spec = *description_.spec.mutable_index();
    spec.set_kind("faiss");
    spec.set_measured_recall(0.95);
  }
};

TEST_F(CheckFaissIndexesTest, PassesWhenTheIndexHasItsMeasuredRecall) {
  description_.spec.mutable_index()->set_nprobe(25);
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(CheckFaissIndexesTest, RefusesAnIndexBelowItsMeasuredRecall) {
  description_.spec.mutable_index()->set_nprobe(1);
  ExpectDataLoss("measured_recall is 0.95");
}

// Which of a thousand equal vectors an index finds is all the same.
TEST_F(CheckFaissIndexesTest, ItemsOfEqualScoreStandForOneAnother) {
  for (size_t i = 0; i < description_.items.size(); ++i) {
    description_.items[i] = static_cast<float>(i % kDim);
  }
  const auto bundle = description_.Open();
  const auto flat = MakeFlatIndex(bundle->spaces()[0].items);
  for (v1::GoldenQuery& golden : description_.golden_queries) {
    const std::vector<float> query(golden.vector().begin(),
                                   golden.vector().end());
    std::vector<ScoredRow> hits;
    ASSERT_TRUE(flat->Search(query, kN, {}, SteadyTime::max(), &hits).ok());
    for (int i = 0; i < static_cast<int>(kN); ++i) {
      golden.set_rows(i, hits[i].row);
      golden.set_scores(i, hits[i].score);
    }
  }
  // An index of the same vectors, in which other rows come first.
  description_.write_index = [this](const std::filesystem::path& path) {
    return FaissSearcher::Train("HNSW8", description_.items, kDim)->Write(path);
  };
  description_.spec.mutable_index()->set_measured_recall(1);
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(CheckFaissIndexesTest, OpensEveryIndexEvenWithoutGoldenQueries) {
  description_.golden_queries.clear();
  EXPECT_TRUE(Check().ok()) << Check();
  description_.write_index = [](const std::filesystem::path& path) {
    return FaissSearcher::Train("Flat", RandomVectors(9, kDim, 1), kDim)
        ->Write(path);
  };
  const auto status = Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("space.index: count is 9"));
}

}  // namespace
}  // namespace tributary
