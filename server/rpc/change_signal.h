#ifndef TRIBUTARY_SERVER_RPC_CHANGE_SIGNAL_H_
#define TRIBUTARY_SERVER_RPC_CHANGE_SIGNAL_H_

#include <chrono>
#include <cstdint>

#include "sync/mutex.h"

namespace tributary {

// Wakes those who wait for live changes to be applied. Thread-safe.
class ChangeSignal {
 public:
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    ++count_;
    changed_.NotifyAll();
  }

  // How often Notify was called.
  uint64_t count() const ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    return count_;
  }

  // Waits until count() is another one than `seen`, or for `longest`.
  void Wait(uint64_t seen, std::chrono::milliseconds longest)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto end = std::chrono::steady_clock::now() + longest;
    const MutexLock lock(&mutex_);
    while (count_ == seen) {
      if (!changed_.WaitUntil(&mutex_, end)) return;
    }
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_CHANGE_SIGNAL_H_
