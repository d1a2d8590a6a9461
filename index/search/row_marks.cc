#include "index/search/row_marks.h"

#include <cassert>

namespace tributary {
namespace {

thread_local std::vector<bool> thread_bits;
thread_local std::vector<Row> thread_marked;

}  // namespace

RowMarks::RowMarks(uint64_t size) : bits_(thread_bits), marked_(thread_marked) {
  assert(marked_.empty());
  if (bits_.size() < size) bits_.resize(size);
}

RowMarks::~RowMarks() {
  for (const Row row : marked_) bits_[row] = false;
  marked_.clear();
}

}  // namespace tributary
