// Code that takes its locks correctly, unless one of the macros below makes it
// contain a mistake. CMakeLists.txt compiles it in all ways: Clang must accept
// the correct code and reject each mistake.
#include "sync/mutex.h"

namespace tributary {

class Counter {
 public:
  void Add() ABSL_LOCKS_EXCLUDED(mutex_) {
#ifndef READS_WITHOUT_LOCK
    const MutexLock lock(&mutex_);
#endif
    ++count_;
    changed_.NotifyAll();
  }

  void AddTwo() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    AddLocked();
#ifdef CALLS_WITHOUT_LOCK
    lock.Unlock();
#endif
    AddLocked();
  }

  void AddThree() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    AddLocked();
#ifndef LOCKS_TWICE
    lock.Unlock();
#endif
    AddTwo();
  }

  void WaitForOne() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (count_ == 0) {
#ifdef WAITS_WITHOUT_LOCK
      lock.Unlock();
      changed_.Wait(&mutex_);
      lock.Lock();
#else
      changed_.Wait(&mutex_);
#endif
    }
  }

  bool TryAdd() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (!mutex_.TryLock()) return false;
    ++count_;
#ifndef KEEPS_LOCK
    mutex_.Unlock();
#endif
    return true;
  }

 private:
  void AddLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { ++count_; }

  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tributary
