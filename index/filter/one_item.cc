// A part of ItemFilter: whether a single item passes.
#include <algorithm>
#include <span>

#include "index/filter/item_filter.h"

namespace tributary {
namespace {

bool HasTag(const AttributeColumn& column, uint32_t code, Row item) {
  const std::span<const Row> with = column.ItemsWith(code);
  return std::binary_search(with.begin(), with.end(), item);
}

}  // namespace

bool ItemFilter::Passes(Row item) const { return Passes(root_, item); }

bool ItemFilter::Passes(const Node& node, Row item) {
  const auto child_passes = [item](const Node& child) {
    return Passes(child, item);
  };
  const auto has_tag = [&](uint32_t code) {
    return HasTag(*node.column, code, item);
  };
  switch (node.kind) {
    case Node::Kind::kAll:
      return std::ranges::all_of(node.children, child_passes);
    case Node::Kind::kAny:
      return std::ranges::any_of(node.children, child_passes);
    case Node::Kind::kNot:
      return !Passes(node.children.front(), item);
    case Node::Kind::kCodes: {
      const uint32_t code = node.column->CodeOf(item);
      return std::ranges::any_of(node.ranges, [code](const CodeRange& range) {
        return code >= range.begin && code < range.end;
      });
    }
    case Node::Kind::kAnyTag:
      return std::ranges::any_of(node.codes, has_tag);
    case Node::Kind::kAllTags:
      // Without codes, one of the tags is one that no item has.
      return !node.codes.empty() && std::ranges::all_of(node.codes, has_tag);
    case Node::Kind::kTagged:
      for (uint32_t code = 0; code < node.column->values(); ++code) {
        if (has_tag(code)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace tributary
