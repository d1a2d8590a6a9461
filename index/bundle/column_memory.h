// What an attribute column that is not mapped consists of. Whatever two columns
// have in common they share, so that a few changed items cost no more memory
// and time than need be.
#ifndef TRIBUTARY_INDEX_BUNDLE_COLUMN_MEMORY_H_
#define TRIBUTARY_INDEX_BUNDLE_COLUMN_MEMORY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The values of an attribute, ascending; of each type, one of these.
struct ColumnDictionary {
  // INTEGER and TIME.
  std::vector<int64_t> integers;
  // NUMBER.
  std::vector<double> numbers;
  // CATEGORY and TAGS: the texts, end to end; where each begins, and the end.
  std::string chars;
  std::vector<uint64_t> offsets;
};

// The items of a tag. `owner` keeps them, unless they are mapped.
struct TaggedItems {
  std::span<const Row> rows;
  std::shared_ptr<const std::vector<Row>> owner;
};

// The bitmap of a frequent value. `owner` keeps it, unless it is mapped.
struct ValueBitmap {
  std::span<const uint64_t> words;
  std::shared_ptr<const std::vector<uint64_t>> owner;
};

struct ColumnMemory {
  v1::Attribute spec;
  // Null for BOOLEAN.
  std::shared_ptr<const ColumnDictionary> dictionary;
  // Not of TAGS: codes by byte, as AttributeColumn::CodeByte has them, and how
  // many items have each value.
  uint32_t code_bytes = 0;
  std::vector<uint8_t> codes;
  std::vector<uint32_t> uses;
  // TAGS: the items of each value.
  std::vector<TaggedItems> items;
  // The codes of the values with bitmaps, ascending, and those.
  std::vector<uint32_t> frequent;
  std::vector<ValueBitmap> bitmaps;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_COLUMN_MEMORY_H_
