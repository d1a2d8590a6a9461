#include "index/bundle/item_attributes.h"

#include <algorithm>

namespace tributary {

size_t ItemAttributes::IndexOf(std::string_view name) const {
  const auto attributes = bundle_->attributes();
  return static_cast<size_t>(
      std::ranges::find(attributes, name, &AttributeColumn::name) -
      attributes.begin());
}

}  // namespace tributary
