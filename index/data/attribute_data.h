#ifndef TRIBUTARY_INDEX_DATA_ATTRIBUTE_DATA_H_
#define TRIBUTARY_INDEX_DATA_ATTRIBUTE_DATA_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// One attribute of all items, in the form of its files, which v1::Attribute
// describes. Values that frequently occur are not found yet: WriteAttribute
// (index/assemble/write_attributes.h) does that.
struct AttributeData {
  // All but `frequent`.
  v1::Attribute spec;
  // The dictionary: of CATEGORY and TAGS; of INTEGER and TIME; of NUMBER.
  std::vector<std::string> texts;
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  // Codes by byte, the most significant bytes of all items first. Not of TAGS.
  std::vector<uint8_t> codes;
  // TAGS: the rows of each value's items, and where each value's begin.
  std::vector<Row> items;
  std::vector<uint64_t> offsets;
};

// How a column's values are written.
struct AttributeForm {
  v1::AttributeType type = v1::CATEGORY;
  // Values are what they are: only "" is missing, and kTokenSeparator separates
  // tags. Otherwise they are read as ReadTags and IsMissing read them.
  bool as_they_are = false;
  // TAGS: commas separate values.
  bool commas = false;
};

// The values of a column that are not of its attribute's type.
struct Misfits {
  uint64_t count = 0;
  // The first one and its row.
  std::string value;
  Row row = 0;
};

// Makes an attribute of a column's values: `value(row)` for rows below
// `n_items`. Values that are not of the type are missing, and are counted in
// *misfits. Leaves name and column unset. O(n log n) time; beside the result,
// up to 12 bytes an item.
AttributeData EncodeAttribute(const AttributeForm& form, uint64_t n_items,
                              const std::function<std::string_view(Row)>& value,
                              Misfits* misfits);

// What the values are, for people: see DescribeAttribute of
// attribute_summary.h.
std::string Describe(const AttributeData& attribute, uint64_t n_items);

// An item's code. REQUIRES: the type is not TAGS.
uint32_t CodeOf(const AttributeData& attribute, uint64_t n_items, Row item);
// How many items have each value. REQUIRES: the type is not TAGS.
std::vector<uint64_t> CountCodes(const AttributeData& attribute,
                                 uint64_t n_items);

// Codes below or equal to `values` as AttributeData.codes has them.
std::vector<uint8_t> PackCodes(std::span<const uint32_t> codes,
                               uint64_t values);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_ATTRIBUTE_DATA_H_
