#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_

#include <memory>

#include "index/filter/passing_items.h"
#include "server/retrieval/added_items.h"
#include "server/versions/live_item_encoder.h"

namespace tributary {

// What live changes made of one bundle, at one moment. A request takes it once
// and sees nothing else until it is answered. Immutable.
struct BundleOverlay {
  // The items that requests may be answered with. Null: all may.
  std::shared_ptr<const PassingItems> remaining;
  // The items that the bundle lacks. Null: none was added.
  std::shared_ptr<const AddedItems> additions;
  // What makes their vectors; null until it is needed.
  std::shared_ptr<const LiveItemEncoder> encoder;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
