#ifndef TRIBUTARY_SERVER_PIPELINE_ACTIVE_BUNDLE_H_
#define TRIBUTARY_SERVER_PIPELINE_ACTIVE_BUNDLE_H_

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

#include "server/pipeline/serving_bundle.h"

namespace tributary {

// The bundle that serves. No lock, and no reference count, is shared by all
// requests: threads are dealt out to a few places, which have their own.
// Thread-safe.
class ActiveBundle {
 public:
  // Null until the first Set. What is taken counts as one reference of the
  // bundle given to Set as long as anybody at the same place holds it.
  std::shared_ptr<const ServingBundle> Take() const;

  // When it returns, every Take gives `bundle`; meanwhile some still give the
  // one before. REQUIRES: one call at a time.
  void Set(const std::shared_ptr<const ServingBundle>& bundle);

 private:
  static constexpr size_t kPlaces = 16;

  struct alignas(64) Place {
    mutable std::mutex mutex;
    std::shared_ptr<const ServingBundle> bundle;
  };

  static size_t PlaceOfThread();

  std::array<Place, kPlaces> places_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ACTIVE_BUNDLE_H_
