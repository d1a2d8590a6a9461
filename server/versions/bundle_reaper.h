#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/versions/serving_bundle.h"

namespace tributary {

// Destroys bundles on a thread of its own, at low priority, once nobody else
// holds them: unmapping gigabytes is nothing for a request. Thread-safe.
class BundleReaper {
 public:
  BundleReaper();
  // Destroys on the calling thread what is left.
  ~BundleReaper();

  // REQUIRES: nobody takes a new reference to it but who holds one.
  void Retire(std::shared_ptr<const ServingBundle> bundle);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<const ServingBundle>> retired_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_REAPER_H_
