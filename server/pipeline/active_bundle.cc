#include "server/pipeline/active_bundle.h"

#include <atomic>

namespace tributary {

size_t ActiveBundle::PlaceOfThread() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t place =
      threads.fetch_add(1, std::memory_order_relaxed) % kPlaces;
  return place;
}

std::shared_ptr<const ServingBundle> ActiveBundle::Take() const {
  const Place& place = places_[PlaceOfThread()];
  const std::lock_guard lock(place.mutex);
  return place.bundle;
}

void ActiveBundle::Set(const std::shared_ptr<const ServingBundle>& bundle) {
  for (Place& place : places_) {
    // A reference count of its own, which holds one of the bundle's.
    const auto holder =
        std::make_shared<std::shared_ptr<const ServingBundle>>(bundle);
    std::shared_ptr<const ServingBundle> swapped(holder, bundle.get());
    const std::lock_guard lock(place.mutex);
    place.bundle.swap(swapped);
  }
}

}  // namespace tributary
