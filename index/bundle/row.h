#ifndef TRIBUTARY_INDEX_BUNDLE_ROW_H_
#define TRIBUTARY_INDEX_BUNDLE_ROW_H_

#include <cstdint>
#include <limits>

namespace tributary {

// The dense index, 0 to N - 1, of an item or a user in one bundle. Rows ascend
// with keys, so that breaking ties by row breaks them by key.
using Row = uint32_t;

inline constexpr Row kNoRow = std::numeric_limits<Row>::max();

// An item and its score in one search, list or source; higher is better.
struct ScoredRow {
  Row row;
  float score;

  friend bool operator==(const ScoredRow&, const ScoredRow&) = default;
};

// The order of every list of results: best first, ties by ascending row. A
// function object, so that sorts inline it.
struct BetterOrder {
  bool operator()(const ScoredRow& a, const ScoredRow& b) const {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  }
};
inline constexpr BetterOrder Better;

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ROW_H_
