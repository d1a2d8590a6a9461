#ifndef TRIBUTARY_INDEX_DATA_ROW_MAP_H_
#define TRIBUTARY_INDEX_DATA_ROW_MAP_H_

#include <cstdint>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/bundle/row.h"

namespace tributary {

// Maps the rows of a catalogue to those of the same catalogue with new items.
// Rows are in the order of keys, so that every row after a new key moves. The
// map is monotonic. Immutable and thread-safe.
class RowMap {
 public:
  // REQUIRES: both lists ascend, are of one kind, and have no key in common.
  RowMap(const KeyTable& old_items, const KeyList& new_items);

  // All keys, in the order of the new rows.
  const KeyList& keys() const { return keys_; }
  uint64_t size() const { return keys_.size(); }
  // The new row of an old row; kNoRow for kNoRow. REQUIRES: row is in the old
  // catalogue or kNoRow.
  Row OfOld(Row row) const { return row == kNoRow ? row : of_old_[row]; }
  // The row of the i-th new item.
  Row OfNew(uint32_t place) const { return of_new_[place]; }
  uint64_t n_old() const { return of_old_.size(); }
  uint64_t n_new() const { return of_new_.size(); }

 private:
  KeyList keys_;
  std::vector<Row> of_old_;
  std::vector<Row> of_new_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_ROW_MAP_H_
