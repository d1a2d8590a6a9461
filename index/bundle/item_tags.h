#ifndef TRIBUTARY_INDEX_BUNDLE_ITEM_TAGS_H_
#define TRIBUTARY_INDEX_BUNDLE_ITEM_TAGS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/bundle/row.h"

namespace tributary {

// The tags of each item. A bundle has the items of each tag, which is what
// filters ask for; this is the transpose, in 4 bytes for each tag of each item,
// and 8 for each item. Immutable and thread-safe.
class ItemTags {
 public:
  // Takes time in proportion to its size. Passes over items that do not exist,
  // which a file that was not verified may name. REQUIRES: TAGS.
  explicit ItemTags(const AttributeColumn& column);

  // The codes of the item's tags, ascending. REQUIRES: item < the column's
  // n_items().
  std::span<const uint32_t> Of(Row item) const {
    return std::span(codes_).subspan(begin_[item],
                                     begin_[item + 1] - begin_[item]);
  }

  uint64_t size_bytes() const {
    return codes_.size() * sizeof(uint32_t) + begin_.size() * sizeof(uint64_t);
  }

 private:
  // By item, and the end of the last.
  std::vector<uint64_t> begin_;
  std::vector<uint32_t> codes_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ITEM_TAGS_H_
