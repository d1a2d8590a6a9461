#ifndef TRIBUTARY_INDEX_FILTER_CODE_KERNEL_H_
#define TRIBUTARY_INDEX_FILTER_CODE_KERNEL_H_

#include <cstdint>
#include <span>

#include "index/bundle/attribute_column.h"

namespace tributary {

// Codes from `begin` up to, but not including, `end`.
struct CodeRange {
  uint32_t begin;
  uint32_t end;

  friend bool operator==(const CodeRange&, const CodeRange&) = default;
};

// What to do with the items whose code is in a range.
enum class CodeAction {
  // Set their bits, and leave the others as they are.
  kMark,
  // Clear the bits of all others.
  kKeep,
  // Clear their bits.
  kDrop,
};

// Bit i % 64 of word i / 64 belongs to item i.
//
// Codes are compared 64 items at a time, byte by byte, from the most
// significant one. Bytes beyond the second are read only if the first two left
// some of the 64 items undecided, which is rare (ByteSlice: Feng, Lo, Kao, Xu,
// SIGMOD 2015). With AVX-512, codes of one and two bytes are compared with both
// ends of the range at once. Of 64 items whose bits cannot change, nothing is
// read: the second of two comparisons reads only where the first one passes.
//
// REQUIRES: the column is not of TAGS; range.begin <= range.end <= values();
// words.size() is (n_items + 63) / 64.
void ApplyCodes(CodeAction action, const AttributeColumn& column,
                CodeRange range, std::span<uint64_t> words);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_CODE_KERNEL_H_
