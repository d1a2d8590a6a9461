#ifndef TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
#define TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/bundle/item_tags.h"
#include "server/fusion/fusion.h"
#include "server/retrieval/added_items.h"

namespace tributary {

// The items with one value of an attribute are a group, and so are those
// without a value. Of TAGS, an item is in the group of each of its values.
// Views the column, the tags and the added items. Thread-safe.
class AttributeGroups final : public RowGroups {
 public:
  // `tags`, of the column, is null unless its type is TAGS.
  // `added` may be null; `number` is the column's among those of the bundle.
  AttributeGroups(const AttributeColumn& column, const ItemTags* tags,
                  size_t number, const AddedItems* added)
      : column_(&column), tags_(tags), number_(number), added_(added) {}

  const AttributeColumn& column() const { return *column_; }

  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      groups[i] = IsAdded(rows[i]) ? added_->CodeOf(number_, rows[i])
                                   : column_->CodeOf(rows[i]);
    }
  }

  bool several() const override { return tags_ != nullptr; }
  void GetAllGroups(std::span<const Row> rows, std::vector<uint32_t>* groups,
                    std::vector<uint32_t>* ends) const override {
    groups->clear();
    ends->resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::span<const uint32_t> codes =
          IsAdded(rows[i]) ? added_->TagsOf(number_, rows[i])
                           : tags_->Of(rows[i]);
      groups->insert(groups->end(), codes.begin(), codes.end());
      if (codes.empty()) groups->push_back(column_->values());
      (*ends)[i] = static_cast<uint32_t>(groups->size());
    }
  }

 private:
  bool IsAdded(Row row) const { return added_ != nullptr && added_->Has(row); }

  const AttributeColumn* column_;
  const ItemTags* tags_;
  size_t number_;
  const AddedItems* added_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
