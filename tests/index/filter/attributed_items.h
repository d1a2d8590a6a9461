// A bundle that has nothing but items with attributes of every type, for tests
// of filters.
#ifndef TRIBUTARY_TESTS_INDEX_FILTER_ATTRIBUTED_ITEMS_H_
#define TRIBUTARY_TESTS_INDEX_FILTER_ATTRIBUTED_ITEMS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/row.h"
#include "tributary/v1/changes.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The values of an item, each of which may be missing: no tag is a missing
// value, too.
struct AttributedItem {
  std::optional<bool> in_stock;
  std::optional<std::string> brand;
  std::set<std::string> tags;
  std::optional<int64_t> year;
  std::optional<double> price;
  // Milliseconds since 1970.
  std::optional<int64_t> created_at;
};

// Values of which some are frequent and some rare; each is missing now and
// then. Equal seeds give equal items.
std::vector<AttributedItem> DrawItems(size_t count, uint32_t seed);

// Adds the items' attributes, which are named after the members, to a bundle
// whose rows they are.
void AddAttributes(const std::vector<AttributedItem>& items,
                   BundleWriter* writer, v1::Manifest* manifest);

// Writes and opens a bundle with these items alone, whose keys are their rows.
std::shared_ptr<const Bundle> OpenBundleOf(
    const std::vector<AttributedItem>& items);

// A change that sets the attribute, one of the members, of the item as `item`
// has it.
v1::Change SetAttribute(const std::string& key, const std::string& attribute,
                        const AttributedItem& item);
// Gives `to` the attribute as `from` has it.
void CopyAttribute(const std::string& attribute, const AttributedItem& from,
                   AttributedItem* to);
// The names of the members.
std::vector<std::string> AttributeNames();

// Whether the item passes, by the comments of retrieval.proto and nothing else.
// REQUIRES: the values are of the attributes' types, and times are dates.
bool Passes(const AttributedItem& item, const v1::Predicate& predicate);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_FILTER_ATTRIBUTED_ITEMS_H_
