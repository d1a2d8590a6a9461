#include "server/pipeline/worker_pool.h"

#include <cassert>
#include <utility>

namespace tributary {

WorkerPool::WorkerPool(size_t threads, size_t queue_length)
    : queue_length_(queue_length) {
  assert(threads > 0);
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_added_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(std::function<void()> work) {
  {
    const MutexLock lock(&mutex_);
    if (queue_.size() >= queue_length_) return false;
    queue_.push_back(std::move(work));
  }
  work_added_.NotifyOne();
  return true;
}

void WorkerPool::Run() {
  MutexLock lock(&mutex_);
  while (true) {
    while (!stopping_ && queue_.empty()) work_added_.Wait(&mutex_);
    if (queue_.empty()) return;
    // The closure is destroyed before the lock is taken again: freeing what it
    // owns may take long.
    {
      const std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.Unlock();
      work();
    }
    lock.Lock();
  }
}

}  // namespace tributary
