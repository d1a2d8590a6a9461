#ifndef TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_VIEW_H_
#define TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_VIEW_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle.h"
#include "index/bundle/item_tags.h"

namespace tributary {

// A column that replaces one of a bundle. Thread-safe.
class ChangedColumn {
 public:
  explicit ChangedColumn(AttributeColumn column) : column_(std::move(column)) {}

  const AttributeColumn& column() const { return column_; }
  // The tags of each item; made at the first call. REQUIRES: TAGS.
  const ItemTags& Tags() const {
    std::call_once(once_, [this] {
      tags_.emplace(column_);
      made_.store(true, std::memory_order_relaxed);
    });
    return *tags_;
  }
  // Whether that was called.
  bool TagsWereMade() const { return made_.load(std::memory_order_relaxed); }

 private:
  const AttributeColumn column_;
  mutable std::once_flag once_;
  mutable std::optional<ItemTags> tags_;
  mutable std::atomic<bool> made_{false};
};

// By the index of the attribute in the bundle; null where its own column is
// valid.
using ChangedColumns = std::vector<std::shared_ptr<const ChangedColumn>>;

// The attributes of a bundle's items, some of which may be changed. A view:
// valid as long as what it was made of. Made of a bundle alone, it has what the
// bundle has.
class AttributeView {
 public:
  // Not explicit: most bundles have no changes.
  AttributeView(const Bundle& bundle) : bundle_(&bundle) {}
  // `changed` may be null.
  AttributeView(const Bundle& bundle, const ChangedColumns* changed)
      : bundle_(&bundle), changed_(changed) {}

  const Bundle& bundle() const { return *bundle_; }
  uint64_t n_items() const { return bundle_->items().size(); }
  size_t size() const { return bundle_->attributes().size(); }

  // The changed column of the attribute; null if it is not changed. REQUIRES:
  // index < size().
  const ChangedColumn* FindChanged(size_t index) const {
    return changed_ == nullptr ? nullptr : (*changed_)[index].get();
  }
  // REQUIRES: index < size().
  const AttributeColumn& operator[](size_t index) const {
    const ChangedColumn* const changed = FindChanged(index);
    return changed == nullptr ? bundle_->attributes()[index]
                              : changed->column();
  }
  // The index of the attribute; size() when there is none of that name.
  size_t IndexOf(std::string_view name) const;
  // nullptr when there is none of that name.
  const AttributeColumn* Find(std::string_view name) const {
    const size_t index = IndexOf(name);
    return index == size() ? nullptr : &(*this)[index];
  }

 private:
  const Bundle* bundle_;
  const ChangedColumns* changed_ = nullptr;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_VIEW_H_
