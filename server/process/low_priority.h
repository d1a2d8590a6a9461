#ifndef TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
#define TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_

#include <functional>
#include <thread>

#include "sync/mutex.h"

namespace tributary {

// Gives the calling thread, and threads it creates later, the lowest priority
// for processors and disks. An unprivileged thread cannot undo this. On a
// machine that is always busy, the thread still gets about 1% of a processor,
// so that its work ends.
void LowerThreadPriority();

// A throttled thread of low priority (see CpuThrottle) that runs one function
// at a time for others. The thread is kept because malloc keeps a heap for each
// thread: a new thread for each function would leave freed memory behind in
// many heaps.
class LowPriorityThread {
 public:
  LowPriorityThread();
  // REQUIRES: Run is not being called.
  ~LowPriorityThread();

  // Runs `work` on the thread and waits for it. Thread-safe: concurrent calls
  // run one after the other.
  void Run(const std::function<void()>& work)
      ABSL_LOCKS_EXCLUDED(run_mutex_, mutex_);

 private:
  // Body of thread_.
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);

  // Held during Run.
  Mutex run_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);

  // Guarded by mutex_.
  Mutex mutex_;
  // The function to run; null when there is none.
  const std::function<void()>* work_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  CondVar changed_;

  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
