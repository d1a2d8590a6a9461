// The rows of keys that a request names.
#ifndef TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_
#define TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "index/bundle/key_table.h"
#include "index/bundle/row.h"
#include "server/retrieval/added_items.h"

namespace tributary {

// The row of a key of either kind, or kNoRow: an id is looked up in a table of
// strings as its decimal text, and KeyTable::Find does the reverse.
Row FindKey(const KeyTable& table, uint64_t id);
Row FindKey(const KeyTable& table, const std::string& key);

// The items of a bundle, and those that live changes added to it, if any.
struct ItemRows {
  const KeyTable& table;
  // May be null.
  const AddedItems* added = nullptr;
};

// As FindKey, of all of these items.
Row FindKey(const ItemRows& items, uint64_t id);
Row FindKey(const ItemRows& items, const std::string& key);

// REQUIRES for these: the row is one of the items'; table.kind() is UINT64 for
// IdOf and UTF8 for KeyOf.
inline uint64_t IdOf(const ItemRows& items, Row row) {
  return row < items.table.size() ? items.table.id(row) : items.added->id(row);
}
inline std::string_view KeyOf(const ItemRows& items, Row row) {
  return row < items.table.size() ? items.table.string(row)
                                  : std::string_view(items.added->key(row));
}
// The key as text, whatever its kind.
std::string KeyTextOf(const ItemRows& items, Row row);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_
