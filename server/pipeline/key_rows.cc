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

}  // namespace tributary
