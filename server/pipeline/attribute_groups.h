#ifndef TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
#define TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/bundle/attribute_column.h"
#include "server/fusion/fusion.h"

namespace tributary {

// The items with one value of an attribute are a group, and so are those
// without a value. Views the column. Thread-safe.
class AttributeGroups final : public RowGroups {
 public:
  // REQUIRES: not TAGS.
  explicit AttributeGroups(const AttributeColumn& column) : column_(&column) {}

  const AttributeColumn& column() const { return *column_; }

  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      groups[i] = column_->CodeOf(rows[i]);
    }
  }

 private:
  const AttributeColumn* column_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_GROUPS_H_
