#ifndef TRIBUTARY_INDEX_DATA_BRACKET_LIST_H_
#define TRIBUTARY_INDEX_DATA_BRACKET_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

// Parses a list as programs print it into a field: ['a', "b"] (Python, JSON),
// ['a' 'b'] (NumPy), {a,b} (PostgreSQL, Python's sets), or a list of objects,
// of which the values of "name" are taken: [{'id': 28, 'name': 'Action'}].
// Elements that are empty, None or null are skipped. nullopt for anything
// else. Text is UTF-8.
std::optional<std::vector<std::string>> ParseBracketList(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_BRACKET_LIST_H_
