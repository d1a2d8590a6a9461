#ifndef TRIBUTARY_INDEX_BUNDLE_CHANGE_COLUMN_H_
#define TRIBUTARY_INDEX_BUNDLE_CHANGE_COLUMN_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/bundle/row.h"

namespace tributary {

// A value of an attribute: nothing; of BOOLEAN; of INTEGER or TIME; of NUMBER;
// of CATEGORY; of TAGS.
using ColumnValue = std::variant<std::monostate, bool, int64_t, double,
                                 std::string, std::vector<std::string>>;

// The value that an item gets.
struct RowValue {
  Row row = kNoRow;
  ColumnValue value;
};

// The column as it is after the items got the values: equal, in every code and
// bitmap, to the one that a bundle written with these values has. Takes time in
// proportion to the column: codes are copied, all of them get new codes when a
// value is new or has no item any more, and the lists of tags are looked
// through. `mapped` is the bundle's own column, and `before` is that, or one
// that was made of it. REQUIRES: rows are unique and below n_items(); values
// are of the column's type, numbers finite, texts not empty.
AttributeColumn ChangeColumn(const AttributeColumn& mapped,
                             const AttributeColumn& before,
                             std::vector<RowValue> changes);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_CHANGE_COLUMN_H_
