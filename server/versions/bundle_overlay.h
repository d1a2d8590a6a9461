#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_

#include <memory>

#include "index/filter/passing_items.h"
#include "server/versions/bundle_events.h"

namespace tributary {

// What live changes made of one bundle, at one moment. A request takes it once
// and sees nothing else until it is answered. Immutable.
struct BundleOverlay {
  // The items that requests may be answered with. Null: all may.
  std::shared_ptr<const PassingItems> remaining;
  // What users met since the bundle was built. Null: nothing.
  std::shared_ptr<const BundleEvents> events;

  // Whether it says nothing.
  bool empty() const { return remaining == nullptr && events == nullptr; }
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_OVERLAY_H_
