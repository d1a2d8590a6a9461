#ifndef TRIBUTARY_SERVER_PIPELINE_WORKER_POOL_H_
#define TRIBUTARY_SERVER_PIPELINE_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "sync/mutex.h"

namespace tributary {

// A fixed number of threads that run closures from a bounded queue, in the
// order of their submission. Thread-safe.
class WorkerPool {
 public:
  // REQUIRES: threads > 0.
  WorkerPool(size_t threads, size_t queue_length);
  // Runs the closures that are queued, then joins the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `work`, which must not throw. False when the queue is full; `work`
  // is then not run.
  bool TrySubmit(std::function<void()> work);

 private:
  void Run();

  const size_t queue_length_;
  Mutex mutex_;
  CondVar work_added_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_WORKER_POOL_H_
