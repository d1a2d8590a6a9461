#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
