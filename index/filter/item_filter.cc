#include "index/filter/item_filter.h"

#include <algorithm>
#include <utility>

#include "index/filter/filter_compiler.h"

namespace tributary {
namespace {

// Up to this many ranges are looked for one after the other; more are looked up
// for each item in a table of codes.
constexpr size_t kMaxScans = 8;

void Or(std::span<const uint64_t> from, std::span<uint64_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] |= from[i];
}
void And(std::span<const uint64_t> from, std::span<uint64_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] &= from[i];
}

// Adds the items that have the tag.
void AddTagged(const AttributeColumn& column, uint32_t code, RowSet* set) {
  const std::span<const uint64_t> bitmap = column.Bitmap(code);
  if (!bitmap.empty()) {
    Or(bitmap, set->mutable_words());
    return;
  }
  for (const Row row : column.ItemsWith(code)) {
    // A file that was not verified may name items that do not exist.
    if (row < set->size()) set->Add(row);
  }
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

absl::StatusOr<ItemFilter> ItemFilter::Compile(const Bundle& bundle,
                                               const v1::Predicate& predicate,
                                               const Options& options) {
  ItemFilter filter(bundle.items().size());
  const absl::Status compiled =
      FilterCompiler(bundle, options, &filter).Compile(predicate);
  if (!compiled.ok()) return compiled;
  return filter;
}

RowSet ItemFilter::Evaluate() const { return Evaluate(root_); }

RowSet ItemFilter::Evaluate(const Node& node) const {
  switch (node.kind) {
    case Node::Kind::kAll:
      return EvaluateAll(node);
    case Node::Kind::kAny: {
      RowSet set(n_items_);
      for (const Node& child : node.children) {
        Or(Evaluate(child).words(), set.mutable_words());
      }
      return set;
    }
    case Node::Kind::kNot: {
      RowSet set = Evaluate(node.children.front());
      set.Complement();
      return set;
    }
    case Node::Kind::kCodes:
      return EvaluateCodes(node);
    case Node::Kind::kAnyTag:
    case Node::Kind::kAllTags:
    case Node::Kind::kTagged:
      return EvaluateTags(node);
  }
  return RowSet(n_items_);
}

RowSet ItemFilter::EvaluateAll(const Node& node) const {
  RowSet set = Evaluate(node.children.front());
  for (size_t i = 1; i < node.children.size(); ++i) {
    And(Evaluate(node.children[i]).words(), set.mutable_words());
  }
  return set;
}

RowSet ItemFilter::EvaluateCodes(const Node& node) const {
  RowSet set(n_items_);
  size_t scans = 0;
  for (const CodeRange& range : node.ranges) {
    const bool one = range.end == range.begin + 1;
    scans += one && !node.column->Bitmap(range.begin).empty() ? 0 : 1;
  }
  if (scans > kMaxScans) {
    AddCodesOf(*node.column, node.ranges, &set);
    return set;
  }
  for (const CodeRange& range : node.ranges) {
    const bool one = range.end == range.begin + 1;
    const auto bitmap =
        one ? node.column->Bitmap(range.begin) : std::span<const uint64_t>();
    if (bitmap.empty()) {
      MarkCodes(*node.column, range, set.mutable_words());
    } else {
      Or(bitmap, set.mutable_words());
    }
  }
  return set;
}

RowSet ItemFilter::EvaluateTags(const Node& node) const {
  RowSet set(n_items_);
  if (node.kind == Node::Kind::kTagged) {
    for (uint32_t code = 0; code < node.column->values(); ++code) {
      AddTagged(*node.column, code, &set);
    }
    return set;
  }
  for (size_t i = 0; i < node.codes.size(); ++i) {
    if (node.kind == Node::Kind::kAnyTag || i == 0) {
      AddTagged(*node.column, node.codes[i], &set);
      continue;
    }
    RowSet with(n_items_);
    AddTagged(*node.column, node.codes[i], &with);
    And(with.words(), set.mutable_words());
  }
  return set;
}

bool DropAttribute(std::string_view attribute, v1::Predicate* predicate) {
  return Drop(attribute, /*negated=*/false, predicate);
}

}  // namespace tributary
