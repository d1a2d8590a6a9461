// Attributes of items that no bundle has: values instead of codes.
#ifndef TRIBUTARY_INDEX_FILTER_ITEM_VALUES_H_
#define TRIBUTARY_INDEX_FILTER_ITEM_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "google/protobuf/struct.pb.h"
#include "index/bundle/bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// An item's value of one attribute. A default one is none.
struct ItemValue {
  bool exists = false;
  // BOOLEAN: 0 or 1; INTEGER; TIME, in milliseconds since 1970.
  int64_t integer = 0;
  // NUMBER.
  double number = 0;
  // CATEGORY: one; TAGS: ascending, each once.
  std::vector<std::string> texts = {};
};

// The value as a change has it: a boolean, a number, a text, or a list of
// texts. Null, an empty text and an empty list are no value. Nothing for what
// is no value of the type.
std::optional<ItemValue> ReadItemValue(v1::AttributeType type,
                                       const google::protobuf::Value& value);

// The value as people write it; "" for none.
std::string ItemValueText(v1::AttributeType type, const ItemValue& value);

// A predicate for items by their values. It passes what ItemFilter would pass
// if the bundle had the item. Immutable and thread-safe.
class ValuePredicate {
 public:
  // REQUIRES: ItemFilter::Compile takes the predicate. `bundle` outlives this.
  ValuePredicate(const Bundle& bundle, v1::Predicate predicate);
  ValuePredicate(const ValuePredicate&) = delete;
  ValuePredicate& operator=(const ValuePredicate&) = delete;

  // `values` has one value for each attribute of the bundle, in its order.
  bool Passes(std::span<const ItemValue> values) const;

 private:
  struct Node {
    const v1::Predicate* predicate = nullptr;
    // Of a term.
    size_t attribute = 0;
    v1::AttributeType type = v1::ATTRIBUTE_TYPE_UNSPECIFIED;
    std::vector<Node> children = {};
  };

  static Node MakeNode(const Bundle& bundle, const v1::Predicate& predicate);
  static bool Passes(const Node& node, std::span<const ItemValue> values);

  // Nodes point into it.
  const v1::Predicate predicate_;
  const Node root_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_ITEM_VALUES_H_
