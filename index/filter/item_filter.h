#ifndef TRIBUTARY_INDEX_FILTER_ITEM_FILTER_H_
#define TRIBUTARY_INDEX_FILTER_ITEM_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/attribute_view.h"
#include "index/bundle/row_set.h"
#include "index/filter/code_kernel.h"
#include "index/filter/where.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// How many values that no item has are kept of a filter, as its report says.
inline constexpr size_t kMaxUnknownValues = 16;

// A column that a filter reads: the index of the attribute, and its column's
// serial().
struct ColumnUse {
  uint32_t attribute = 0;
  uint64_t serial = 0;

  friend bool operator==(const ColumnUse&, const ColumnUse&) = default;
};

// A predicate that was checked against a bundle's attributes: values have
// become codes. Views the bundle, and the columns that replace its own.
// Immutable and thread-safe.
class ItemFilter {
 public:
  struct Options {
    // The path of the predicate, with which errors begin.
    std::string_view path = "filter.predicate";
    // If the predicate was parsed from text: where its terms begin. Errors then
    // name the byte instead of the path within the predicate.
    std::span<const size_t> offsets = {};
    uint32_t max_terms = 1000;
    int max_depth = kMaxPredicateDepth;
    // Of a value that is text.
    uint32_t max_text_bytes = std::numeric_limits<uint32_t>::max();
  };

  // INVALID_ARGUMENT, with the path of a field: an attribute that the bundle
  // does not have, with the nearest name; a value of another type than the
  // attribute's; a test that the type does not have; something that is not set;
  // text that is too long; a predicate that is too deep or has too many terms.
  static absl::StatusOr<ItemFilter> Compile(const AttributeView& attributes,
                                            const v1::Predicate& predicate,
                                            const Options& options);

  // The rows of the items that pass.
  RowSet Evaluate() const;
  // Whether one item passes, without looking at others. REQUIRES: a row of the
  // bundle.
  bool Passes(Row item) const;

  // Values that no item has, as "<attribute>: <value>"; the first 16.
  const std::vector<std::string>& unknown_values() const {
    return unknown_values_;
  }
  // Each column once.
  const std::vector<ColumnUse>& columns() const { return columns_; }

 private:
  friend class FilterCompiler;

  struct Node {
    enum class Kind {
      // Every child, any child, not the only child.
      kAll,
      kAny,
      kNot,
      // The code is in one of `ranges`.
      kCodes,
      // Any, or all, of the tags `codes`.
      kAnyTag,
      kAllTags,
      // Some tag.
      kTagged,
    };
    Kind kind = Kind::kAny;
    std::vector<Node> children = {};
    const AttributeColumn* column = nullptr;
    // Ascending and disjoint.
    std::vector<CodeRange> ranges = {};
    std::vector<uint32_t> codes = {};
  };

  explicit ItemFilter(uint64_t n_items) : n_items_(n_items) {}

  void NoteColumn(uint32_t attribute, uint64_t serial);

  // The items that pass the node.
  RowSet Evaluate(const Node& node) const;
  // Adds what passes the node to a set, or keeps nothing else of the set, or
  // drops it from the set. Conditions follow each other in one bitmap: later
  // ones are evaluated only where earlier ones leave something open, and few
  // predicates need a second bitmap.
  void Apply(CodeAction action, const Node& node, RowSet* set) const;
  // The same, unless that takes a bitmap of its own: then it returns false.
  bool ApplyInPlace(CodeAction action, const Node& node, RowSet* set) const;
  bool ApplyRanges(CodeAction action, const Node& node, RowSet* set) const;
  // The children, in the order in which to keep what passes them all.
  static std::vector<const Node*> CheapestFirst(const Node& node);
  static bool Passes(const Node& node, Row item);

  uint64_t n_items_;
  Node root_;
  std::vector<std::string> unknown_values_;
  std::vector<ColumnUse> columns_;
};

// Widens the predicate so that it passes whatever it passed with any value of
// the attribute: `all` loses the terms on it, and so does `any` under
// `negated`, while an `any` that has one is always true. Returns false, and
// leaves *predicate unspecified, if every item passes then.
bool DropAttribute(std::string_view attribute, v1::Predicate* predicate);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_ITEM_FILTER_H_
