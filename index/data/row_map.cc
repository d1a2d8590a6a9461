#include "index/data/row_map.h"

namespace tributary {

RowMap::RowMap(const KeyTable& old_items, const KeyList& new_items) {
  const bool integers = old_items.kind() == v1::UINT64;
  keys_.kind = old_items.kind();
  Row old_row = 0;
  Row place = 0;
  while (old_row < old_items.size() || place < new_items.size()) {
    bool old_first = place == new_items.size();
    if (!old_first && old_row < old_items.size()) {
      old_first = integers
                      ? old_items.id(old_row) < new_items.ids[place]
                      : old_items.string(old_row) < new_items.strings[place];
    }
    const auto row = static_cast<Row>(of_old_.size() + of_new_.size());
    if (integers) {
      keys_.ids.push_back(old_first ? old_items.id(old_row)
                                    : new_items.ids[place]);
    } else {
      keys_.strings.emplace_back(old_first ? old_items.string(old_row)
                                           : new_items.strings[place]);
    }
    (old_first ? of_old_ : of_new_).push_back(row);
    ++(old_first ? old_row : place);
  }
}

}  // namespace tributary
