// The text form of a filter: a subset of the grammar of AIP-160
// (https://google.aip.dev/160).
//
//   expression  = factor { "AND" factor }
//   factor      = term { "OR" term }              OR binds tighter than AND
//   term        = [ "NOT" | "-" ] simple
//   simple      = "(" expression ")" | restriction
//   restriction = attribute [ comparator argument ]
//   comparator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
//   argument    = value | "*" | "(" value { "OR" value } ")"
//                       | "(" value { "AND" value } ")"
//
// A value is text in quotes, a number, true, false, or a word. An attribute
// alone means "= true". ":" means that one of the item's values is this one,
// and ": *" that it has a value. An item without a value passes no comparison,
// not even "!=", but it does pass NOT.
#ifndef TRIBUTARY_INDEX_FILTER_WHERE_H_
#define TRIBUTARY_INDEX_FILTER_WHERE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// How deep predicates may be nested.
inline constexpr int kMaxPredicateDepth = 32;

struct ParsedWhere {
  v1::Predicate predicate;
  // Where each term of the predicate, in the order of the text, begins: a byte
  // from 0.
  std::vector<size_t> offsets;
};

// Parses the text, which is not empty. INVALID_ARGUMENT that says where, what
// was found and what was expected.
absl::StatusOr<ParsedWhere> ParseWhere(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_WHERE_H_
