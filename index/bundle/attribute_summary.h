#ifndef TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_SUMMARY_H_
#define TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_SUMMARY_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "index/bundle/attribute_column.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What an attribute's values are, for people: "12 values, 0.5 to 100; 3 % of
// the items have none", or, for bool, category and tags, "12 values: \"acme\"
// 40 %,
// \"bolt\" 33 %, \"core\" 10 %, ...", with the share of items that have them.
// `uses` is how many items have each value, or empty for other types; `text` is
// a value as AttributeColumn::ValueText writes it.
std::string DescribeAttribute(const v1::Attribute& spec, uint64_t n_items,
                              std::span<const uint64_t> uses,
                              const std::function<std::string(uint32_t)>& text);

// The same of a bundle's attribute. Reads all values of bool, category and
// tags.
std::string DescribeAttribute(const AttributeColumn& column);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_SUMMARY_H_
