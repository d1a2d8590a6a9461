#ifndef TRIBUTARY_INDEX_SEARCH_ROW_MARKS_H_
#define TRIBUTARY_INDEX_SEARCH_ROW_MARKS_H_

#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// A set of rows (or positions) below `size`, for the length of one search. The
// bits belong to the thread and stay from use to use, so that a set costs what
// is marked, not `size`. One object per thread at a time; not to be shared.
class RowMarks {
 public:
  explicit RowMarks(uint64_t size);
  RowMarks(const RowMarks&) = delete;
  RowMarks& operator=(const RowMarks&) = delete;
  ~RowMarks();

  // False when it was marked already.
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
