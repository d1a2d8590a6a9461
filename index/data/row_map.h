#ifndef TRIBUTARY_INDEX_DATA_ROW_MAP_H_
#define TRIBUTARY_INDEX_DATA_ROW_MAP_H_

#include <cstdint>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/bundle/row.h"

namespace tributary {

// Where the rows of a catalogue go when items join it: rows are in the order of
// keys, so that every row behind a new key moves. Rows in ascending order stay
// in ascending order. Immutable and thread-safe.
class RowMap {
 public:
  // REQUIRES: both are ascending and of one kind, and have no key in common.
  RowMap(const KeyTable& old_items, const KeyList& new_items);

  // The keys in the order of the new rows.
  const KeyList& keys() const { return keys_; }
  uint64_t size() const { return keys_.size(); }
  // The new row of an old one; kNoRow stays. REQUIRES: row is in the catalogue
  // or kNoRow.
  Row OfOld(Row row) const { return row == kNoRow ? row : of_old_[row]; }
  // The row of the new item with that place among the new ones.
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
