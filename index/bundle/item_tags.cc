#include "index/bundle/item_tags.h"

#include <numeric>

namespace tributary {

ItemTags::ItemTags(const AttributeColumn& column)
    : begin_(column.n_items() + 1) {
  const uint64_t n_items = column.n_items();
  for (uint32_t code = 0; code < column.values(); ++code) {
    for (const Row item : column.ItemsWith(code)) {
      if (item < n_items) ++begin_[item + 1];
    }
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  codes_.resize(begin_.back());
  std::vector<uint64_t> next(begin_.begin(), begin_.end() - 1);
  for (uint32_t code = 0; code < column.values(); ++code) {
    for (const Row item : column.ItemsWith(code)) {
      if (item < n_items) codes_[next[item]++] = code;
    }
  }
}

}  // namespace tributary
