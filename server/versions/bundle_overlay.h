#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_

#include <memory>

#include "index/bundle/attribute_view.h"
#include "index/bundle/row_set.h"
#include "index/filter/passing_items.h"
#include "server/retrieval/added_items.h"
#include "server/versions/bundle_events.h"
#include "server/versions/changed_items.h"
#include "server/versions/live_item_encoder.h"

namespace tributary {

// What live changes made of one bundle, at one moment. A request takes it once
// and sees nothing else until it is answered. Immutable.
struct BundleOverlay {
  // The items that requests may be answered with. Null: all may.
  std::shared_ptr<const PassingItems> remaining;
  // Those of the others that have expired and were not taken down. Null: none.
  std::shared_ptr<const RowSet> expired;
  // The items with other attributes than the bundle has. Null: none.
  std::shared_ptr<const ChangedItems> changed;
  // What users met since the bundle was built. Null: nothing.
  std::shared_ptr<const BundleEvents> events;
  // The items that the bundle lacks. Null: none was added.
  std::shared_ptr<const AddedItems> additions;
  // What makes their vectors; null until it is needed.
  std::shared_ptr<const LiveItemEncoder> encoder;

  // Whether it says nothing.
  bool empty() const {
    return remaining == nullptr && changed == nullptr && events == nullptr &&
           additions == nullptr;
  }
};

// The attributes of the bundle's items under the overlay, which may be null. A
// view of both.
inline AttributeView AttributesUnder(const Bundle& bundle,
                                     const BundleOverlay* overlay) {
  return {bundle, overlay == nullptr || overlay->changed == nullptr
                      ? nullptr
                      : &overlay->changed->columns};
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
