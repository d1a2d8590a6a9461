// Searches allocate nothing after the first ones. This program replaces
// operator new and counts its calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "index/search/vector_index.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/coded_bundle.h"
#include "tests/index/search/sample_vectors.h"

namespace {

std::atomic<uint64_t> allocations{0};

void* Allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size)
          : std::aligned_alloc(alignment,
                               (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size, 1); }
void* operator new[](std::size_t size) { return Allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace tributary {
namespace {

constexpr uint32_t kRows = 6000;
constexpr uint32_t kDim = 24;
constexpr uint32_t kN = 200;
constexpr uint32_t kQueries = 30;

// The parameter is the number of lists; 0 is a flat index.
class Allocations : public testing::TestWithParam<uint32_t> {
 protected:
  Allocations() {
    SpaceBundle description{.item_count = kRows, .dim = kDim};
    description.items = MixtureVectors(kRows, kDim, 20, 1);
    if (GetParam() > 0) {
      AddCodedIndex(GetParam(), {kN, GetParam() / 4 + 1, 400}, &description);
    }
    bundle_ = description.Open();
    index_ = *OpenIndex(*bundle_, bundle_->spaces()[0]);
    queries_ = MixtureVectors(kQueries, kDim, 20, 2);
  }

  // How often the searches for all queries allocate, on a thread that has
  // searched for the first one before; or, if `all`, for all of them.
  uint64_t AfterTheFirst(const RowFilter& filter, bool all = false) {
    uint64_t count = 0;
    std::thread([&] {
      std::vector<ScoredRow> hits;
      uint64_t before = 0;
      const uint32_t warm = all ? kQueries : 1;
      for (uint32_t i = 0; i < warm + kQueries; ++i) {
        if (i == warm) before = allocations;
        const auto status = index_->Search(Query(i % kQueries), kN, filter,
                                           SteadyTime::max(), &hits);
        EXPECT_TRUE(status.ok()) << status;
        EXPECT_EQ(hits.size(), kN);
      }
      count = allocations - before;
    }).join();
    return count;
  }

  std::span<const float> Query(uint32_t i) const {
    return std::span(queries_).subspan(i * kDim, kDim);
  }

  std::shared_ptr<const Bundle> bundle_;
  std::unique_ptr<VectorIndex> index_;
  std::vector<float> queries_;
};

std::vector<Row> Every(Row step, Row first) {
  std::vector<Row> rows;
  for (Row row = first; row < kRows; row += step) rows.push_back(row);
  return rows;
}

TEST_P(Allocations, AreNoneAfterTheFirstSearch) {
  EXPECT_EQ(AfterTheFirst({}), 0);
}

TEST_P(Allocations, AreNoneWithExclusions) {
  for (const Row step : {2, 3, 50}) {
    const auto excluded = Every(step, 0);
    // Some of the searches are repeated with more effort.
    EXPECT_EQ(AfterTheFirst(RowFilter(excluded), true), 0) << step;
  }
}

TEST_P(Allocations, AreNoneWhereTheBestAreExcluded) {
  // The best of the first query: the searches for it, and for those near to it,
  // are repeated with more effort or score everything.
  std::vector<ScoredRow> best;
  ASSERT_TRUE(MakeFlatIndex(bundle_->spaces()[0].items)
                  ->Search(Query(0), 1000, {}, SteadyTime::max(), &best)
                  .ok());
  std::vector<Row> excluded;
  for (const ScoredRow& hit : best) excluded.push_back(hit.row);
  std::sort(excluded.begin(), excluded.end());
  EXPECT_EQ(AfterTheFirst(RowFilter(excluded), true), 0);
}

TEST_P(Allocations, AreNoneAmongAllowedRows) {
  for (const Row step : {1, 2, 10}) {
    const auto allowed = Every(step, 5);
    const auto made = index_->Allow(SetOf(allowed, kRows));
    const auto excluded = Every(7, 1);
    RowFilter filter;
    filter.allowed = made.get();
    // Some of the searches are repeated with more effort.
    EXPECT_EQ(AfterTheFirst(filter, true), 0) << step;
    filter.excluded = excluded;
    EXPECT_EQ(AfterTheFirst(filter, true), 0) << step << ", with exclusions";
  }
}

TEST_P(Allocations, AreNoneWhenFiltersAlternate) {
  const auto excluded = Every(2, 0);
  const RowFilter filter(excluded);
  uint64_t count = 0;
  std::thread([&] {
    std::vector<ScoredRow> hits;
    const auto search = [&](uint32_t query, const RowFilter& passing) {
      EXPECT_TRUE(
          index_->Search(Query(query), kN, passing, SteadyTime::max(), &hits)
              .ok());
    };
    // How far a search must go past what is excluded depends on the query.
    for (uint32_t i = 0; i < kQueries; ++i) search(i, filter);
    const uint64_t before = allocations;
    for (uint32_t i = 0; i < kQueries; ++i) {
      search(i, {});
      search(i, filter);
    }
    count = allocations - before;
  }).join();
  EXPECT_EQ(count, 0);
}

INSTANTIATE_TEST_SUITE_P(Lists, Allocations, testing::Values(0, 1, 60));

TEST(Counting, CountsAllocations) {
  const uint64_t before = allocations;
  const std::vector<int> vector(100);
  EXPECT_EQ(vector[99], 0);
  EXPECT_EQ(allocations - before, 1);
}

}  // namespace
}  // namespace tributary
