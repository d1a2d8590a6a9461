#include "server/pipeline/attribute_groups.h"

#include <optional>
#include <string_view>

namespace tributary {

uint32_t AttributeGroups::GroupOfAdded(Row row) const {
  const uint32_t code = added_->CodeOf(number_, row);
  if (!changed_) return code;
  const ItemValue& value = added_->values(row)[number_];
  if (!value.exists) return column_->values();
  std::optional<uint32_t> found;
  switch (column_->type()) {
    case v1::BOOLEAN:
      return static_cast<uint32_t>(value.integer);
    case v1::INTEGER:
    case v1::TIME:
      found = column_->Find(value.integer);
      break;
    case v1::NUMBER:
      found = column_->Find(value.number);
      break;
    default:
      found = column_->Find(std::string_view(value.texts.front()));
      break;
  }
  return found.value_or(GroupAbove(code));
}

void AttributeGroups::AddTagsOfAdded(Row row,
                                     std::vector<uint32_t>* groups) const {
  const std::span<const uint32_t> codes = added_->TagsOf(number_, row);
  if (!changed_) {
    groups->insert(groups->end(), codes.begin(), codes.end());
    return;
  }
  // Codes and texts are in the same order.
  const ItemValue& value = added_->values(row)[number_];
  for (size_t i = 0; i < codes.size(); ++i) {
    groups->push_back(column_->Find(std::string_view(value.texts[i]))
                          .value_or(GroupAbove(codes[i])));
  }
}

}  // namespace tributary
