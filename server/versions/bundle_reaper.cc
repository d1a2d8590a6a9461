#include "server/versions/bundle_reaper.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "server/process/breaks.h"
#include "server/process/low_priority.h"

namespace tributary {
namespace {

// How often it looks whether a retired bundle is still held.
constexpr std::chrono::milliseconds kInterval(50);

}  // namespace

BundleReaper::BundleReaper() : thread_([this] { Run(); }) {}

BundleReaper::~BundleReaper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BundleReaper::Retire(std::shared_ptr<const ServingBundle> bundle) {
  const std::lock_guard lock(mutex_);
  retired_.push_back(std::move(bundle));
  changed_.notify_one();
}

void BundleReaper::Run() {
  using Held = std::shared_ptr<const ServingBundle>;
  LowerThreadPriority();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (retired_.empty()) {
      changed_.wait(lock);
      continue;
    }
    // A count of 1 is final; see Retire.
    const auto held =
        std::partition(retired_.begin(), retired_.end(),
                       [](const Held& b) { return b.use_count() > 1; });
    std::vector<Held> unheld(std::make_move_iterator(held),
                             std::make_move_iterator(retired_.end()));
    retired_.erase(held, retired_.end());
    if (unheld.empty()) {
      changed_.wait_for(lock, kInterval);
      continue;
    }
    lock.unlock();
    {
      const Breaks breaks;
      unheld.clear();
    }
    lock.lock();
  }
}

}  // namespace tributary
