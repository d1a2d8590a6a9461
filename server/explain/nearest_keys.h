#ifndef TRIBUTARY_SERVER_EXPLAIN_NEAREST_KEYS_H_
#define TRIBUTARY_SERVER_EXPLAIN_NEAREST_KEYS_H_

#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/key_table.h"

namespace tributary {

inline constexpr size_t kMaxNearestKeys = 3;

// The keys of the table that are most like `key`, the most alike first, ties in
// the order of the table; at most kMaxNearestKeys, and none of which more than
// a third differs. Likeness is the edit distance, and for that upper and lower
// case differ.
//
// Of a table with at most kScannedKeys keys, all are looked at. Of a larger
// one, those that one edit makes of `key`, those that begin like it, and `key`
// in other case are, which takes a few thousand binary searches at most.
std::vector<std::string> NearestKeys(const KeyTable& table,
                                     std::string_view key);

inline constexpr uint64_t kScannedKeys = 1 << 16;

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_NEAREST_KEYS_H_
