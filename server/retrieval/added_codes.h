#ifndef TRIBUTARY_SERVER_RETRIEVAL_ADDED_CODES_H_
#define TRIBUTARY_SERVER_RETRIEVAL_ADDED_CODES_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/bundle/row_set.h"
#include "index/search/coded_search.h"
#include "index/search/coded_vectors.h"
#include "index/search/search_terms.h"

namespace tributary {

// The vectors of added items in four-bit codes, by which many are searched in a
// fraction of the time of an exact scan: the index kind scan, in memory.
// Immutable and thread-safe.
class AddedCodes {
 public:
  // `values` are the vectors, end to end, of `places`, which ascend and are
  // below `through`. Takes some seconds for a million of them. Errors: those of
  // EncodeVectors.
  static absl::StatusOr<std::shared_ptr<const AddedCodes>> Make(
      std::vector<float> values, uint32_t dim, std::vector<uint32_t> places,
      uint32_t through);

  AddedCodes(const AddedCodes&) = delete;
  AddedCodes& operator=(const AddedCodes&) = delete;

  // Places below it that have no code have no vector, or are out of use for
  // good.
  uint32_t through() const { return through_; }

  // Replaces *hits with about the n best of those whose bits of `allowed` are
  // set, best first, ties by place; places are in ScoredRow::row. False, having
  // done nothing, if so few are allowed that scoring each of them is better.
  absl::StatusOr<bool> Search(std::span<const float> query, uint32_t n,
                              std::span<const uint64_t> allowed,
                              const SearchTerms& terms,
                              std::vector<ScoredRow>* hits) const;

 private:
  AddedCodes(std::vector<float> values, std::vector<uint32_t> places,
             uint32_t through, CodedArrays arrays);

  // REQUIRES: the place has a code.
  uint32_t PositionOf(uint32_t place) const;

  const std::vector<float> values_;
  const std::vector<uint32_t> places_;
  const uint32_t through_;
  // By place: a bit for each that has a code.
  std::vector<uint64_t> coded_;
  const CodedArrays arrays_;
  const CodedSearcher searcher_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_ADDED_CODES_H_
