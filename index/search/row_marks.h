#ifndef TRIBUTARY_INDEX_SEARCH_ROW_MARKS_H_
#define TRIBUTARY_INDEX_SEARCH_ROW_MARKS_H_

#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// A set of rows (or positions) below `size`, for the duration of one search.
// The bits belong to the thread and are reused, so that the cost of a set is
// proportional to the rows marked, not to `size`. A thread may have at most one
// object of this class at a time, and must not share it with other threads.
class RowMarks {
 public:
  explicit RowMarks(uint64_t size);
  RowMarks(const RowMarks&) = delete;
  RowMarks& operator=(const RowMarks&) = delete;
  ~RowMarks();

  // Returns false when the row was marked already. REQUIRES: row < size.
  bool Mark(Row row) {
    if (IsMarked(row)) return false;
    bits_[row] = true;
    marked_.push_back(row);
    return true;
  }
  bool IsMarked(Row row) const { return bits_[row]; }

 private:
  std::vector<bool>& bits_;
  std::vector<Row>& marked_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_ROW_MARKS_H_
