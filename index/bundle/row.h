#ifndef TRIBUTARY_INDEX_BUNDLE_ROW_H_
#define TRIBUTARY_INDEX_BUNDLE_ROW_H_

#include <cstdint>
#include <limits>

namespace tributary {

// An item's or a user's dense index 0..N-1 inside one bundle. Rows are in the
// order of keys, so that a tie broken by row is broken by key.
using Row = uint32_t;

inline constexpr Row kNoRow = std::numeric_limits<Row>::max();

// An item and what one search, list or source thinks of it; higher is better.
struct ScoredRow {
  Row row;
  float score;

  friend bool operator==(const ScoredRow&, const ScoredRow&) = default;
};

// The order of every list of results: best first, ties by row. An object, not
// a function: sorts that get it inline it.
struct BetterOrder {
  bool operator()(const ScoredRow& a, const ScoredRow& b) const {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  }
};
inline constexpr BetterOrder Better;

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ROW_H_
