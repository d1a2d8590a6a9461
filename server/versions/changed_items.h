#ifndef TRIBUTARY_SERVER_VERSIONS_CHANGED_ITEMS_H_
#define TRIBUTARY_SERVER_VERSIONS_CHANGED_ITEMS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "index/bundle/attribute_view.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row_set.h"
#include "index/changes/changed_attributes.h"
#include "server/versions/bundle_tags.h"

namespace tributary {

// What live changes made of the attributes of one bundle's items. Immutable.
struct ChangedItems {
  // One for each attribute of the bundle.
  ChangedColumns columns;
  // The items of which some attribute was set.
  RowSet rows;
  uint64_t count = 0;
};

// What did nothing.
struct UnusedValues {
  // The values that are not of their attribute's type: why, by the change.
  std::map<uint64_t, std::string> refused;
  // How many values were of attributes that the bundle does not have.
  uint64_t unknown = 0;
};

// The bundle's items after the values of `items` that changes above `after` set
// were added to `before`, which may be null; `before` itself if none of them is
// of the bundle. Takes time in proportion to the columns that change. Adds to
// *unused.
std::shared_ptr<const ChangedItems> ChangeItems(
    const Bundle& bundle, const BundleTags& tags,
    std::shared_ptr<const ChangedItems> before,
    const ChangedAttributes& changes, std::span<const std::string> items,
    uint64_t after, UnusedValues* unused);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_CHANGED_ITEMS_H_
