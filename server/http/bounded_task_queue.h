#ifndef TRIBUTARY_SERVER_HTTP_BOUNDED_TASK_QUEUE_H_
#define TRIBUTARY_SERVER_HTTP_BOUNDED_TASK_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "httplib.h"
#include "sync/mutex.h"

namespace tributary {

// The threads that serve connections, with a bounded queue; httplib's own queue
// has no bound. When all threads are busy and the queue is full, the accepting
// thread waits, and further connections stay in the kernel's backlog.
// Thread-safe.
class BoundedTaskQueue final : public httplib::TaskQueue {
 public:
  BoundedTaskQueue(size_t threads, size_t queue_length);
  // REQUIRES: shutdown() was called, which httplib does.
  ~BoundedTaskQueue() override = default;

  // Waits while the queue is full.
  void enqueue(std::function<void()> task) override;
  // Runs the tasks that are queued, then joins the threads.
  void shutdown() override;

 private:
  void Run();

  const size_t queue_length_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_BOUNDED_TASK_QUEUE_H_
