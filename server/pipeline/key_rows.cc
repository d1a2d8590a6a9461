#include "server/pipeline/key_rows.h"

#include <array>
#include <charconv>
#include <string_view>

namespace tributary {

Row FindKey(const KeyTable& table, uint64_t id) {
  if (table.kind() == v1::UINT64) return table.Find(id);
  std::array<char, 20> text;
  const auto end = std::to_chars(text.begin(), text.end(), id).ptr;
  return table.Find(std::string_view(text.begin(), end));
}

Row FindKey(const KeyTable& table, const std::string& key) {
  return table.Find(std::string_view(key));
}

Row FindKey(const ItemRows& items, uint64_t id) {
  const Row row = FindKey(items.table, id);
  if (row != kNoRow || items.added == nullptr) return row;
  std::array<char, 20> text;
  const auto end = std::to_chars(text.begin(), text.end(), id).ptr;
  return items.added->Find(std::string_view(text.begin(), end));
}

Row FindKey(const ItemRows& items, const std::string& key) {
  const Row row = FindKey(items.table, key);
  if (row != kNoRow || items.added == nullptr) return row;
  return items.added->Find(key);
}

std::string KeyTextOf(const ItemRows& items, Row row) {
  return row < items.table.size() ? items.table.text(row)
                                  : items.added->key(row);
}

}  // namespace tributary
