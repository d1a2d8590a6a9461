#ifndef TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
#define TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/bundle/item_tags.h"
#include "server/fusion/fusion.h"

namespace tributary {

// The items with one value of an attribute are a group, and so are those
// without a value. Of TAGS, an item is in the group of each of its values.
// Views the column and the tags. Thread-safe.
class AttributeGroups final : public RowGroups {
 public:
  // `tags`, of the column, is null unless its type is TAGS.
  AttributeGroups(const AttributeColumn& column, const ItemTags* tags)
      : column_(&column), tags_(tags) {}

  const AttributeColumn& column() const { return *column_; }

  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      groups[i] = column_->CodeOf(rows[i]);
    }
  }

  bool several() const override { return tags_ != nullptr; }
  void GetAllGroups(std::span<const Row> rows, std::vector<uint32_t>* groups,
                    std::vector<uint32_t>* ends) const override {
    groups->clear();
    ends->resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::span<const uint32_t> codes = tags_->Of(rows[i]);
      groups->insert(groups->end(), codes.begin(), codes.end());
      if (codes.empty()) groups->push_back(column_->values());
      (*ends)[i] = static_cast<uint32_t>(groups->size());
    }
  }

 private:
  const AttributeColumn* column_;
  const ItemTags* tags_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
