#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "index/search/vector_index.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Row> EveryThird(uint64_t count, Row first) {
  std::vector<Row> rows;
  for (Row row = first; row < count; row += 3) rows.push_back(row);
  return rows;
}

// Search by its definition: scores the table's vectors one by one.
std::vector<ScoredRow> BruteForce(const VectorTable& items,
                                  std::span<const float> query, uint32_t n,
                                  std::span<const Row> excluded) {
  std::vector<ScoredRow> all;
  std::vector<float> vector(items.dim());
  for (uint64_t position = 0; position < items.size(); ++position) {
    const Row row = items.row(position);
    if (std::binary_search(excluded.begin(), excluded.end(), row)) continue;
    items.Read(position, vector);
    all.push_back({row, std::inner_product(query.begin(), query.end(),
                                           vector.begin(), 0.0f)});
  }
  std::sort(all.begin(), all.end(), Better);
  if (all.size() > n) all.resize(n);
  return all;
}

void ExpectEqualsBruteForce(const SpaceBundle& description) {
  const auto bundle = description.Open();
  const VectorTable& items = bundle->spaces()[0].items;
  const auto index = MakeFlatIndex(items);
  const std::vector<std::vector<Row>> exclusions = {
      {},
      {0},
      EveryThird(description.item_count, 1),
      {static_cast<Row>(description.item_count - 1)}};
  for (uint32_t seed = 0; seed < 4; ++seed) {
    const auto query = SmallIntegers(description.dim, 100 + seed);
    for (const uint32_t n : {1, 10, 500, 100000}) {
      for (const auto& excluded : exclusions) {
        std::vector<ScoredRow> hits;
        const auto status = index->Search(query, n, RowFilter(excluded),
                                          SteadyTime::max(), &hits);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(hits, BruteForce(items, query, n, excluded))
            << "n " << n << ", " << excluded.size() << " excluded";
      }
    }
  }
}

SpaceBundle Integers(uint64_t count, uint32_t dim) {
  SpaceBundle description{.item_count = count, .dim = dim};
  description.items = SmallIntegers(count * dim, 1);
  return description;
}

TEST(FlatIndex, EqualsBruteForceWithTiesAndExclusions) {
  for (const uint64_t count : {1, 3, 1024, 3000}) {
    ASSERT_NO_FATAL_FAILURE(ExpectEqualsBruteForce(Integers(count, 19)));
  }
}

std::vector<Row> Every(Row step, uint64_t count) {
  std::vector<Row> rows;
  for (Row row = 0; row < count; row += step) rows.push_back(row);
  return rows;
}

// A filter that allows few vectors is searched in another way than one that
// allows many.
TEST(FlatIndex, EqualsBruteForceAmongAllowedRows) {
  for (const bool every_row : {true, false}) {
    SpaceBundle description = Integers(3000, 9);
    if (!every_row) {
      description.item_count = 4000;
      for (Row row = 0; row < 4000; ++row) {
        if (row % 4 != 1) description.rows.push_back(row);
      }
    }
    const uint64_t count = description.item_count;
    const auto bundle = description.Open();
    const VectorTable& items = bundle->spaces()[0].items;
    const auto index = MakeFlatIndex(items);
    const auto query = SmallIntegers(9, 100);
    for (const Row step : {1, 2, 31, 33, 500, 100'000}) {
      const std::vector<Row> rows = Every(step, count);
      const auto allowed = index->Allow(SetOf(rows, count));
      for (const auto& excluded :
           {std::vector<Row>{}, {0}, EveryThird(count, 0)}) {
        // Exclusions that brute force needs to find the allowed rows alone.
        std::vector<Row> others;
        for (Row row = 0; row < count; ++row) {
          if (row % step != 0 || std::ranges::binary_search(excluded, row)) {
            others.push_back(row);
          }
        }
        RowFilter filter(excluded);
        filter.allowed = allowed.get();
        for (const uint32_t n : {1, 10, 100000}) {
          std::vector<ScoredRow> hits = {{77, 77}};
          const auto status =
              index->Search(query, n, filter, SteadyTime::max(), &hits);
          ASSERT_TRUE(status.ok()) << status;
          ASSERT_EQ(hits, BruteForce(items, query, n, others))
              << "n " << n << ", every " << step << ", " << excluded.size()
              << " excluded";
        }
      }
    }
  }
}

TEST(FlatIndex, FindsNothingWhereNothingIsAllowed) {
  const auto bundle = Integers(100, 4).Open();
  const auto index = MakeFlatIndex(bundle->spaces()[0].items);
  const auto allowed = index->Allow(RowSet(100));
  RowFilter filter;
  filter.allowed = allowed.get();
  std::vector<ScoredRow> hits = {{77, 77}};
  ASSERT_TRUE(
      index->Search(SmallIntegers(4, 1), 5, filter, SteadyTime::max(), &hits)
          .ok());
  EXPECT_THAT(hits, IsEmpty());
}

TEST(FlatIndex, EqualsBruteForceWhenOnlySomeRowsHaveVectors) {
  SpaceBundle description = Integers(1000, 7);
  description.rows = EveryThird(3000, 2);
  description.item_count = 3000;
  ASSERT_NO_FATAL_FAILURE(ExpectEqualsBruteForce(description));
}

TEST(FlatIndex, EqualsBruteForceOnFloat16) {
  SpaceBundle description{.item_count = 2000, .dim = 21};
  const auto integers = SmallIntegers(2000 * 21, 1);
  // -2 to 2 in binary16.
  constexpr uint16_t kBits[] = {0xc000, 0xbc00, 0, 0x3c00, 0x4000};
  for (const float value : integers) {
    description.halves.push_back({kBits[static_cast<int>(value) + 2]});
  }
  ASSERT_NO_FATAL_FAILURE(ExpectEqualsBruteForce(description));
}

TEST(FlatIndex, ReturnsZeroVectorsInTheOrderOfRows) {
  SpaceBundle description{.item_count = 5, .dim = 3};
  description.items.assign(15, 0.0f);
  ASSERT_NO_FATAL_FAILURE(ExpectEqualsBruteForce(description));
}

class OpenFlatIndex : public testing::Test {
 protected:
  absl::Status Search(std::vector<float> query,
                      SteadyTime deadline = SteadyTime::max()) {
    return index_->Search(query, 5, {}, deadline, &hits_);
  }

  std::shared_ptr<const Bundle> bundle_ = Integers(100, 4).Open();
  std::unique_ptr<VectorIndex> index_ =
      MakeFlatIndex(bundle_->spaces()[0].items);
  std::vector<ScoredRow> hits_;
};

TEST_F(OpenFlatIndex, RejectsAQueryOfAnotherDimension) {
  const auto status = Search({1, 2, 3});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has 3 values, expected 4"));
}

TEST_F(OpenFlatIndex, RejectsAQueryThatIsNotFinite) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {inf, -inf, nan}) {
    const auto status = Search({1, 2, bad, 4});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("value 2 is"));
  }
}

TEST_F(OpenFlatIndex, StopsAtTheDeadline) {
  EXPECT_EQ(Search({1, 2, 3, 4}, SteadyTime()).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(OpenFlatIndex, ReplacesTheOldHits) {
  hits_.assign(10, {77, 77});
  ASSERT_TRUE(Search({1, 2, 3, 4}).ok());
  EXPECT_THAT(hits_, SizeIs(5));
  EXPECT_TRUE(
      index_->Search(std::vector<float>(4), 0, {}, SteadyTime::max(), &hits_)
          .ok());
  EXPECT_THAT(hits_, IsEmpty());
}

TEST(FlatIndex, ExpectsTimeInProportionToItsSize) {
  const auto small = Integers(1000, 16).Open();
  const auto large = Integers(50000, 16).Open();
  EXPECT_GT(MakeFlatIndex(large->spaces()[0].items)->expected_us(10),
            10 * MakeFlatIndex(small->spaces()[0].items)->expected_us(10));
}

}  // namespace
}  // namespace tributary
