#ifndef TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
#define TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tributary {

// Puts the calling thread, and those it makes, behind all others for
// processors and disks, for good: an unprivileged thread cannot go back. On a
// machine that is busy all the time it still gets about a hundredth of a
// processor, so that what it does ends.
void LowerThreadPriority();

// A thread of low priority that works for others, one piece at a time, and with
// Breaks. One that
// stays has one heap: work on a thread of its own each time leaves the freed
// memory of all of them behind.
class LowPriorityThread {
 public:
  LowPriorityThread();
  // REQUIRES: no Run is in progress.
  ~LowPriorityThread();

  // Has the thread do `work`, and waits for it. Thread-safe.
  void Run(const std::function<void()>& work);

 private:
  void Work();

  // One Run at a time.
  std::mutex run_mutex_;
  // Guards what follows.
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_LOW_PRIORITY_H_
