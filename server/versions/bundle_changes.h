#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_CHANGES_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_CHANGES_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "index/changes/expiring_items.h"
#include "index/changes/removed_items.h"
#include "server/versions/bundle_overlay.h"
#include "sync/mutex.h"

namespace tributary {

// What live changes did to one bundle: its overlay at the moment. LiveChanges
// writes it. Thread-safe.
class BundleChanges {
 public:
  using FindRemoval =
      std::function<std::optional<Removal>(std::string_view item_key)>;
  using FindExpiry =
      std::function<std::optional<Expiry>(std::string_view item_key)>;

  // When and why an item was taken down; absent if it is not.
  std::optional<Removal> RemovalOf(std::string_view item_key) const {
    return find_removal_ ? find_removal_(item_key) : std::nullopt;
  }
  // When an item expires, or has; absent if it does not.
  std::optional<Expiry> ExpiryOf(std::string_view item_key) const {
    return find_expiry_ ? find_expiry_(item_key) : std::nullopt;
  }
  // REQUIRES: the bundle is not resident yet, nor is any other thread here.
  void SetFindRemoval(FindRemoval find) { find_removal_ = std::move(find); }
  void SetFindExpiry(FindExpiry find) { find_expiry_ = std::move(find); }

  // Null while no change concerns the bundle: that is known without a lock, so
  // that servers without changes do not pay for them.
  std::shared_ptr<const BundleOverlay> overlay() const {
    if (!any_.load(std::memory_order_acquire)) return nullptr;
    const MutexLock lock(&mutex_);
    return overlay_;
  }

  // Requests that have asked before keep what they got.
  void Put(std::shared_ptr<const BundleOverlay> overlay) {
    const bool any = overlay != nullptr;
    {
      // What is replaced is freed without the lock.
      const MutexLock lock(&mutex_);
      overlay_.swap(overlay);
    }
    any_.store(any, std::memory_order_release);
  }

 private:
  // Constant while the bundle is resident.
  FindRemoval find_removal_;
  FindExpiry find_expiry_;
  std::atomic<bool> any_{false};
  mutable Mutex mutex_;
  std::shared_ptr<const BundleOverlay> overlay_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_CHANGES_H_
