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
  // `tags`, of the column, is null unless its type is TAGS. `number` is the
  // attribute's among those of the bundle. `changed`: the column replaces the
  // bundle's, so that its codes may be others. `added` may be null.
  AttributeGroups(const AttributeColumn& column, const ItemTags* tags,
                  size_t number, bool changed, const AddedItems* added)
      : column_(&column),
        tags_(tags),
        number_(number),
        changed_(changed),
        added_(added) {}

  const AttributeColumn& column() const { return *column_; }
  size_t number() const { return number_; }

  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      groups[i] =
          IsAdded(rows[i]) ? GroupOfAdded(rows[i]) : column_->CodeOf(rows[i]);
    }
  }

  bool several() const override { return tags_ != nullptr; }
  void GetAllGroups(std::span<const Row> rows, std::vector<uint32_t>* groups,
                    std::vector<uint32_t>* ends) const override {
    groups->clear();
    ends->resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t before = groups->size();
      if (!IsAdded(rows[i])) {
        const std::span<const uint32_t> codes = tags_->Of(rows[i]);
        groups->insert(groups->end(), codes.begin(), codes.end());
      } else {
        AddTagsOfAdded(rows[i], groups);
      }
      if (groups->size() == before) groups->push_back(column_->values());
      (*ends)[i] = static_cast<uint32_t>(groups->size());
    }
  }

 private:
  bool IsAdded(Row row) const { return added_ != nullptr && added_->Has(row); }
  uint32_t GroupOfAdded(Row row) const;
  void AddTagsOfAdded(Row row, std::vector<uint32_t>* groups) const;
  // Of a value that no item of the changed column has: `code` is the added
  // items'.
  uint32_t GroupAbove(uint32_t code) const {
    return column_->values() + 1 + code;
  }

  const AttributeColumn* column_;
  const ItemTags* tags_;
  size_t number_;
  bool changed_;
  const AddedItems* added_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
