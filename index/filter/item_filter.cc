#include "index/filter/item_filter.h"

#include <algorithm>
#include <utility>

#include "index/filter/filter_compiler.h"

namespace tributary {
namespace {

// Up to this many ranges are looked for one after the other; more are looked up
// for each item in a table of codes.
constexpr size_t kMaxScans = 8;

void Combine(CodeAction action, std::span<const uint64_t> from,
             std::span<uint64_t> to) {
  switch (action) {
    case CodeAction::kMark:
      for (size_t i = 0; i < to.size(); ++i) to[i] |= from[i];
      return;
    case CodeAction::kKeep:
      for (size_t i = 0; i < to.size(); ++i) to[i] &= from[i];
      return;
    case CodeAction::kDrop:
      for (size_t i = 0; i < to.size(); ++i) to[i] &= ~from[i];
      return;
  }
}

// Adds the items that have the tag, or drops them.
void ApplyTag(CodeAction action, const AttributeColumn& column, uint32_t code,
              RowSet* set) {
  const std::span<const uint64_t> bitmap = column.Bitmap(code);
  const std::span<uint64_t> words = set->mutable_words();
  if (!bitmap.empty()) {
    Combine(action, bitmap, words);
    return;
  }
  if (action == CodeAction::kKeep) {
    RowSet with(set->size());
    ApplyTag(CodeAction::kMark, column, code, &with);
    Combine(action, with.words(), words);
    return;
  }
  for (const Row row : column.ItemsWith(code)) {
    // A file that was not verified may name items that do not exist.
    if (row >= set->size()) continue;
    const uint64_t bit = uint64_t{1} << (row % 64);
    uint64_t& word = words[row / 64];
    word = action == CodeAction::kMark ? word | bit : word & ~bit;
  }
}

// The bitmap of a range of one code, or empty.
std::span<const uint64_t> BitmapOf(const AttributeColumn& column,
                                   CodeRange range) {
  if (range.end != range.begin + 1) return {};
  return column.Bitmap(range.begin);
}

// How many ranges have no bitmap, so that codes are compared.
size_t Scans(const AttributeColumn& column, std::span<const CodeRange> ranges) {
  return static_cast<size_t>(std::ranges::count_if(
      ranges,
      [&](const CodeRange& range) { return BitmapOf(column, range).empty(); }));
}

// Adds the items whose code is in one of many ranges.
void AddCodesOf(const AttributeColumn& column,
                std::span<const CodeRange> ranges, RowSet* set) {
  RowSet wanted(uint64_t{column.values()} + 1);
  for (const CodeRange& range : ranges) {
    for (uint32_t code = range.begin; code < range.end; ++code) {
      wanted.Add(code);
    }
  }
  for (uint64_t item = 0; item < set->size(); ++item) {
    const auto row = static_cast<Row>(item);
    if (wanted.Has(column.CodeOf(row))) set->Add(row);
  }
}

// Replaces terms on the attribute by `!negated`, which widens what contains
// them. Returns false if that is what *predicate becomes.
bool Drop(std::string_view attribute, bool negated, v1::Predicate* predicate) {
  switch (predicate->condition_case()) {
    case v1::Predicate::kTerm:
      return predicate->term().attribute() != attribute;
    case v1::Predicate::kNegated:
      return Drop(attribute, !negated, predicate->mutable_negated());
    case v1::Predicate::kAll:
    case v1::Predicate::kAny:
      break;
    case v1::Predicate::CONDITION_NOT_SET:
      return true;
  }
  const bool all = predicate->has_all();
  auto* list = all ? predicate->mutable_all()->mutable_predicates()
                   : predicate->mutable_any()->mutable_predicates();
  int kept = 0;
  for (int i = 0; i < list->size(); ++i) {
    if (Drop(attribute, negated, list->Mutable(i))) {
      list->SwapElements(kept++, i);
    } else if (all == negated) {
      // One true of `any`, or one false of `all`, decides.
      return false;
    }
  }
  list->DeleteSubrange(kept, list->size() - kept);
  return kept > 0;
}

}  // namespace

absl::StatusOr<ItemFilter> ItemFilter::Compile(const AttributeView& attributes,
                                               const v1::Predicate& predicate,
                                               const Options& options) {
  ItemFilter filter(attributes.n_items());
  const absl::Status compiled =
      FilterCompiler(attributes, options, &filter).Compile(predicate);
  if (!compiled.ok()) return compiled;
  return filter;
}

void ItemFilter::NoteColumn(uint32_t attribute, uint64_t serial) {
  if (std::ranges::find(columns_, attribute, &ColumnUse::attribute) ==
      columns_.end()) {
    columns_.push_back({attribute, serial});
  }
}

RowSet ItemFilter::Evaluate() const { return Evaluate(root_); }

RowSet ItemFilter::Evaluate(const Node& node) const {
  RowSet set(n_items_);
  if (node.kind == Node::Kind::kAll || node.kind == Node::Kind::kNot ||
      node.kind == Node::Kind::kAllTags) {
    set.Complement();
    Apply(CodeAction::kKeep, node, &set);
  } else {
    Apply(CodeAction::kMark, node, &set);
  }
  return set;
}

void ItemFilter::Apply(CodeAction action, const Node& node, RowSet* set) const {
  if (!ApplyInPlace(action, node, set)) {
    Combine(action, Evaluate(node).words(), set->mutable_words());
  }
}

bool ItemFilter::ApplyInPlace(CodeAction action, const Node& node,
                              RowSet* set) const {
  switch (node.kind) {
    case Node::Kind::kAll:
      if (action != CodeAction::kKeep) return false;
      for (const Node* child : CheapestFirst(node)) Apply(action, *child, set);
      return true;
    case Node::Kind::kAny:
      if (action == CodeAction::kKeep) return false;
      for (const Node& child : node.children) Apply(action, child, set);
      return true;
    case Node::Kind::kNot:
      if (action == CodeAction::kMark) return false;
      Apply(action == CodeAction::kKeep ? CodeAction::kDrop : CodeAction::kKeep,
            node.children.front(), set);
      return true;
    case Node::Kind::kCodes:
      return ApplyRanges(action, node, set);
    case Node::Kind::kAnyTag:
      if (action == CodeAction::kKeep && node.codes.size() != 1) return false;
      for (const uint32_t code : node.codes) {
        ApplyTag(action, *node.column, code, set);
      }
      return true;
    case Node::Kind::kAllTags:
      if (action != CodeAction::kKeep) return false;
      // One of them is a value that no item has.
      if (node.codes.empty()) std::ranges::fill(set->mutable_words(), 0);
      for (const uint32_t code : node.codes) {
        ApplyTag(action, *node.column, code, set);
      }
      return true;
    case Node::Kind::kTagged:
      if (action == CodeAction::kKeep) return false;
      for (uint32_t code = 0; code < node.column->values(); ++code) {
        ApplyTag(action, *node.column, code, set);
      }
      return true;
  }
  return true;
}

bool ItemFilter::ApplyRanges(CodeAction action, const Node& node,
                             RowSet* set) const {
  const bool many = Scans(*node.column, node.ranges) > kMaxScans;
  if (action == CodeAction::kMark && many) {
    AddCodesOf(*node.column, node.ranges, set);
    return true;
  }
  if (many || (action == CodeAction::kKeep && node.ranges.size() != 1)) {
    return false;
  }
  for (const CodeRange& range : node.ranges) {
    const auto bitmap = BitmapOf(*node.column, range);
    if (bitmap.empty()) {
      ApplyCodes(action, *node.column, range, set->mutable_words());
    } else {
      Combine(action, bitmap, set->mutable_words());
    }
  }
  return true;
}

// Bitmaps come first, and then codes of which few pass if values are spread
// evenly, because the next ones are compared only where something passes yet.
std::vector<const ItemFilter::Node*> ItemFilter::CheapestFirst(
    const Node& node) {
  std::vector<std::pair<double, const Node*>> ordered;
  for (const Node& child : node.children) {
    double order = 2;
    if (child.kind == Node::Kind::kCodes) {
      double codes = 0;
      for (const CodeRange& range : child.ranges) {
        codes += range.end - range.begin;
      }
      order = Scans(*child.column, child.ranges) == 0
                  ? 0
                  : codes / (double{1} + child.column->values());
    }
    ordered.emplace_back(order, &child);
  }
  std::ranges::stable_sort(ordered, {}, &std::pair<double, const Node*>::first);
  std::vector<const Node*> children;
  for (const auto& [order, child] : ordered) children.push_back(child);
  return children;
}

bool DropAttribute(std::string_view attribute, v1::Predicate* predicate) {
  return Drop(attribute, /*negated=*/false, predicate);
}

}  // namespace tributary
