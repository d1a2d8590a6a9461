// Why one item does not pass a predicate, and what it would pass.
#ifndef TRIBUTARY_INDEX_FILTER_FAILED_PARTS_H_
#define TRIBUTARY_INDEX_FILTER_FAILED_PARTS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/bundle/attribute_view.h"
#include "index/bundle/bundle.h"
#include "index/filter/item_values.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The smallest parts of the predicate that the item fails, each as a predicate
// of its own that the item would have to pass. Of an `all` that are those of
// the elements that it fails; an `any` that it fails is one part, because
// any element would do. Empty if it passes. REQUIRES: ItemFilter::Compile takes
// the predicate; `item` is a row of the bundle.
std::vector<v1::Predicate> FailedParts(const AttributeView& attributes,
                                       const v1::Predicate& predicate,
                                       Row item);

// The predicate without the parts that the item fails: the item passes it.
// Nothing if no part is left. REQUIRES: as for FailedParts.
std::optional<v1::Predicate> WithoutFailedParts(const AttributeView& attributes,
                                                const v1::Predicate& predicate,
                                                Row item);

// The same for an item by its values; see ValuePredicate.
std::vector<v1::Predicate> FailedParts(const Bundle& bundle,
                                       const v1::Predicate& predicate,
                                       std::span<const ItemValue> values);
std::optional<v1::Predicate> WithoutFailedParts(
    const Bundle& bundle, const v1::Predicate& predicate,
    std::span<const ItemValue> values);

// The attributes that the predicate asks for, in order of the first use.
std::vector<std::string> AttributesOf(const v1::Predicate& predicate);

// The item's value as people write it: several tags are separated by commas,
// and after the first sixteen there is "...". Empty if it has none.
std::string ItemValueText(const AttributeColumn& column, Row item);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_FAILED_PARTS_H_
