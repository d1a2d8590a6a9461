#include "server/retrieval/added_codes.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "index/search/codebook.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Recall is .99 or more with so many reranked for each result, and some more
// where few results are asked for; measured by tests/bench/added_bench.cc.
constexpr uint32_t kMeasuredN = 100;
constexpr uint32_t kReranked = 200;
// If more than one of so many is not allowed, each that is allowed is scored.
constexpr size_t kCodesPerBarred = 4;

}  // namespace

absl::StatusOr<std::shared_ptr<const AddedCodes>> AddedCodes::Make(
    std::vector<float> values, uint32_t dim, std::vector<uint32_t> places,
    uint32_t through) {
  ASSIGN_OR_RETURN(CodedArrays arrays,
                   EncodeVectors(values, dim, DefaultCodeDims(dim),
                                 /*lists=*/1, /*threads=*/1));
  return std::shared_ptr<const AddedCodes>(new AddedCodes(
      std::move(values), std::move(places), through, std::move(arrays)));
}

AddedCodes::AddedCodes(std::vector<float> values, std::vector<uint32_t> places,
                       uint32_t through, CodedArrays arrays)
    : values_(std::move(values)),
      places_(std::move(places)),
      through_(through),
      coded_(RowSet::Words(through)),
      arrays_(std::move(arrays)),
      searcher_(arrays_.view(), {std::span<const float>(values_), arrays_.dim},
                {.n = kMeasuredN,
                 .probes = 1,
                 .reranked = kReranked,
                 .small_n_exponent = .5}) {
  for (const uint32_t place : places_) {
    coded_[place / 64] |= uint64_t{1} << (place % 64);
  }
}

uint32_t AddedCodes::PositionOf(uint32_t place) const {
  // Usually all places have a code.
  if (place < places_.size() && places_[place] == place) {
    return place;
  }
  return static_cast<uint32_t>(
      std::lower_bound(places_.begin(), places_.end(), place) -
      places_.begin());
}

absl::StatusOr<bool> AddedCodes::Search(std::span<const float> query,
                                        uint32_t n,
                                        std::span<const uint64_t> allowed,
                                        const SearchTerms& terms,
                                        std::vector<ScoredRow>* hits) const {
  thread_local std::vector<uint32_t> barred;
  barred.clear();
  const size_t most = places_.size() / kCodesPerBarred;
  for (size_t word = 0; word < coded_.size(); ++word) {
    for (uint64_t bits = coded_[word] & ~allowed[word]; bits != 0;
         bits &= bits - 1) {
      if (barred.size() == most) return false;
      barred.push_back(
          PositionOf(static_cast<uint32_t>(64 * word) +
                     static_cast<uint32_t>(std::countr_zero(bits))));
    }
  }
  RETURN_IF_ERROR(searcher_.Search(query, n, barred, terms, hits));
  // Positions ascend with places, so mapping them keeps the order of ties.
  for (ScoredRow& hit : *hits) hit.row = places_[hit.row];
  return true;
}

}  // namespace tributary
