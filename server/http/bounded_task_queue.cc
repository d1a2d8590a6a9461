#include "server/http/bounded_task_queue.h"

#include <utility>

namespace tributary {

BoundedTaskQueue::BoundedTaskQueue(size_t threads, size_t queue_length)
    : queue_length_(queue_length) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

void BoundedTaskQueue::enqueue(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    while (queue_.size() >= queue_length_) changed_.Wait(&mutex_);
    queue_.push_back(std::move(task));
  }
  changed_.NotifyAll();
}

void BoundedTaskQueue::shutdown() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void BoundedTaskQueue::Run() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (!stopping_ && queue_.empty()) changed_.Wait(&mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.NotifyAll();
    task();
  }
}

}  // namespace tributary
