#include "server/versions/bundle_reaper.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "server/process/cpu_throttle.h"
#include "server/process/low_priority.h"

namespace tributary {
namespace {

// How often the thread checks whether a retired bundle is still referenced.
constexpr std::chrono::milliseconds kInterval(50);

}  // namespace

BundleReaper::BundleReaper() : thread_([this] { Run(); }) {}

BundleReaper::~BundleReaper() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void BundleReaper::Retire(std::shared_ptr<const ServingBundle> bundle) {
  const MutexLock lock(&mutex_);
  retired_.push_back(std::move(bundle));
  changed_.NotifyOne();
}

void BundleReaper::Run() {
  using Held = std::shared_ptr<const ServingBundle>;
  LowerThreadPriority();
  MutexLock lock(&mutex_);
  while (!stopping_) {
    if (retired_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    // A count of 1 is final: see what Retire requires.
    const auto held =
        std::partition(retired_.begin(), retired_.end(),
                       [](const Held& b) { return b.use_count() > 1; });
    std::vector<Held> unheld(std::make_move_iterator(held),
                             std::make_move_iterator(retired_.end()));
    retired_.erase(held, retired_.end());
    if (unheld.empty()) {
      changed_.WaitFor(&mutex_, kInterval);
      continue;
    }
    lock.Unlock();
    {
      const CpuThrottle throttle;
      unheld.clear();
    }
    lock.Lock();
  }
}

}  // namespace tributary
