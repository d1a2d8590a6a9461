#include "index/bundle/attribute_view.h"

#include <algorithm>

namespace tributary {

size_t AttributeView::IndexOf(std::string_view name) const {
  const auto attributes = bundle_->attributes();
  return static_cast<size_t>(
      std::ranges::find(attributes, name, &AttributeColumn::name) -
      attributes.begin());
}

}  // namespace tributary
