#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_

#include <memory>
#include <thread>
#include <vector>

#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"

namespace tributary {

// Destroys retired bundles on a background thread of low priority as soon as
// nobody else references them. Without it, the last request that holds a
// bundle would unmap gigabytes before it could answer. Thread-safe.
class BundleReaper {
 public:
  BundleReaper();
  // Destroys the remaining bundles on the calling thread.
  ~BundleReaper();

  // Destroys `bundle` when this is its last reference.
  // REQUIRES: new references are copied only from existing ones, so that a
  // reference count of 1 stays 1.
  void Retire(std::shared_ptr<const ServingBundle> bundle);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  // Guarded by mutex_.
  Mutex mutex_;
  std::vector<std::shared_ptr<const ServingBundle>> retired_
      ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  CondVar changed_;

  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_
