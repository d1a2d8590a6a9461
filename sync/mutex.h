// A mutex, its scoped lock and its condition variable, with the annotations
// that let Clang check at compile time (-Wthread-safety) that guarded members
// are touched with their mutex held. Other compilers see std::mutex and
// std::condition_variable: nothing is stored, called or allocated besides.
//
//   Mutex mutex_;
//   CondVar changed_;
//   std::deque<Job> queue_ ABSL_GUARDED_BY(mutex_);
//
//   void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
//
//   MutexLock lock(&mutex_);
//   while (queue_.empty()) changed_.Wait(&mutex_);
//
// Why not absl::Mutex: Debian's libabsl is not compiled for ThreadSanitizer,
// which therefore does not see what an absl::Mutex orders and reports races
// where there are none. Why not std::mutex itself: libstdc++ does not annotate
// it, so that Clang has nothing to check. The macros are Abseil's; see
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html.
//
// The analysis does not look into callers: a lambda that reads guarded members
// is analysed as a function that holds nothing. That is why CondVar takes no
// predicate; write the loop.
#ifndef TRIBUTARY_SYNC_MUTEX_H_
#define TRIBUTARY_SYNC_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace tributary {

// Not recursive. Thread-safe.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  // Returns whether the lock was taken; never waits for it.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mutex_.try_lock();
  }

 private:
  friend class CondVar;

  std::mutex mutex_;
};

// Holds a mutex until the end of the scope, except between Unlock and Lock.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() {
    if (holds_) mutex_->Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // REQUIRES: the mutex is held.
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    mutex_->Unlock();
    holds_ = false;
  }
  // REQUIRES: Unlock was called.
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mutex_->Lock();
    holds_ = true;
  }

 private:
  Mutex* const mutex_;
  bool holds_ = true;
};

// Waits release the mutex and hold it again when they return. They may return
// without a notification: call them in a loop that tests the condition.
// Thread-safe.
class CondVar {
 public:
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex->mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }
  // Returns false when the deadline has passed.
  template <typename Clock, typename Duration>
  bool WaitUntil(Mutex* mutex,
                 const std::chrono::time_point<Clock, Duration>& deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex->mutex_, std::adopt_lock);
    const std::cv_status status = changed_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  // Returns false when `duration` has passed.
  template <typename Rep, typename Period>
  bool WaitFor(Mutex* mutex, const std::chrono::duration<Rep, Period>& duration)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex->mutex_, std::adopt_lock);
    const std::cv_status status = changed_.wait_for(lock, duration);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SYNC_MUTEX_H_
