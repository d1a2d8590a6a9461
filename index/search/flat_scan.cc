#include "index/search/flat_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "fmt/core.h"
#include "index/search/dot_kernel.h"
#include "index/search/shortlist.h"
#include "index/search/top_k.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Vectors scored before their scores are selected from. The scores fit in the
// first-level cache, and reading the clock once costs a thousandth of scoring
// a block.
constexpr size_t kBlock = 1024;

// Below one of this many, allowed vectors are read one by one.
constexpr uint64_t kVectorsPerSparse = 4;
constexpr float kNotAllowed = -std::numeric_limits<float>::infinity();

// Takes the scores of what is not allowed out of the running. Position `begin`,
// a multiple of 64, has the first score.
void DropOthers(const RowSet& allowed, size_t begin, std::span<float> scores) {
  for (size_t i = 0; i < scores.size(); i += 64) {
    uint64_t others = ~allowed.words()[(begin + i) / 64];
    if (scores.size() - i < 64) {
      others &= (uint64_t{1} << (scores.size() - i)) - 1;
    }
    for (; others != 0; others &= others - 1) {
      scores[i + static_cast<size_t>(std::countr_zero(others))] = kNotAllowed;
    }
  }
}

template <typename T>
absl::Status Scan(std::span<const T> values, std::span<const float> query,
                  std::span<const uint32_t> excluded, const RowSet* allowed,
                  const SearchTerms& terms, TopK* top) {
  std::array<float, kBlock> scores;
  const size_t dim = query.size();
  const size_t size = values.size() / dim;
  auto next_excluded = excluded.begin();
  for (size_t begin = 0; begin < size; begin += kBlock) {
    if (terms.Over()) {
      return absl::DeadlineExceededError(fmt::format(
          "the deadline passed after {} of {} vectors", begin, size));
    }
    const size_t count = std::min(kBlock, size - begin);
    DotProducts(query, values.data() + begin * dim, count, scores.data());
    for (; next_excluded != excluded.end() && *next_excluded < begin + count;
         ++next_excluded) {
      scores[*next_excluded - begin] = kNotAllowed;
    }
    if (allowed != nullptr) {
      DropOthers(*allowed, begin, {scores.data(), count});
    }
    top->Offer(static_cast<Row>(begin), {scores.data(), count});
  }
  top->Finish();
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckQuery(std::span<const float> query, uint32_t dim) {
  if (query.size() != dim) {
    return absl::InvalidArgumentError(fmt::format(
        "the query vector has {} values, expected {}", query.size(), dim));
  }
  const auto bad = std::find_if_not(query.begin(), query.end(),
                                    [](float x) { return std::isfinite(x); });
  if (bad == query.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the query vector's value {} is {}, expected a finite one",
                  bad - query.begin(), *bad));
}

void FindPositions(const VectorTable& table, std::span<const Row> rows,
                   std::vector<uint32_t>* positions) {
  positions->clear();
  for (const Row row : rows) {
    if (const auto position = table.Find(row)) positions->push_back(*position);
  }
}

StoredVectors ViewOf(const VectorTable& table) {
  if (table.dtype() == Dtype::kFloat16) return {table.halves(), table.dim()};
  return {table.floats(), table.dim()};
}

absl::Status FlatScanOf(const StoredVectors& vectors,
                        std::span<const float> query, uint32_t n,
                        std::span<const uint32_t> positions,
                        const SearchTerms& terms,
                        std::vector<ScoredRow>* hits) {
  RETURN_IF_ERROR(CheckQuery(query, vectors.dim));
  thread_local Shortlist best;
  best.Reset(positions.size());
  for (size_t begin = 0; begin < positions.size(); begin += kBlock) {
    if (terms.Over()) {
      return absl::DeadlineExceededError(
          fmt::format("the deadline passed after {} of {} vectors", begin,
                      positions.size()));
    }
    const auto block =
        positions.subspan(begin, std::min(kBlock, positions.size() - begin));
    std::visit(
        [&](const auto& values) {
          DotProductsAt(query, values.data(), block, best.scores() + begin);
        },
        vectors.values);
  }
  std::copy(positions.begin(), positions.end(), best.ids());
  best.set_size(positions.size());
  TakeBest(n, &best, hits);
  return absl::OkStatus();
}

absl::Status FlatScan(const StoredVectors& vectors,
                      std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded,
                      const SearchTerms& terms, std::vector<ScoredRow>* hits,
                      const RowSet* allowed) {
  RETURN_IF_ERROR(CheckQuery(query, vectors.dim));
  return std::visit(
      [&](const auto& values) {
        const size_t size = values.size() / vectors.dim;
        TopK top(static_cast<uint32_t>(std::min<size_t>(n, size)), hits);
        return Scan(values, query, excluded, allowed, terms, &top);
      },
      vectors.values);
}

absl::Status FlatScanAllowed(const StoredVectors& vectors,
                             std::span<const float> query, uint32_t n,
                             const AllowedVectors& allowed,
                             std::span<const uint32_t> excluded,
                             const SearchTerms& terms,
                             std::vector<ScoredRow>* hits) {
  if (allowed.count * kVectorsPerSparse > allowed.positions.size()) {
    return FlatScan(vectors, query, n, excluded, terms, hits,
                    &allowed.positions);
  }
  if (excluded.empty() && !allowed.few.empty()) {
    return FlatScanOf(vectors, query, n, allowed.few, terms, hits);
  }
  thread_local std::vector<uint32_t> positions;
  ListAllowed(allowed, excluded, &positions);
  return FlatScanOf(vectors, query, n, positions, terms, hits);
}

}  // namespace tributary
