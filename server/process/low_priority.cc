#include "server/process/low_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "server/process/breaks.h"

namespace tributary {

void LowerThreadPriority() {
  // On Linux both are of the thread, not of the process. What does not succeed
  // costs requests some time, no more. Not SCHED_IDLE: its share of a busy
  // machine, 3 / 1024, would make hours of a minute's work.
  const sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
  constexpr int kLowest = 19;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest);
}

LowPriorityThread::LowPriorityThread() : thread_([this] { Work(); }) {}

LowPriorityThread::~LowPriorityThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LowPriorityThread::Run(const std::function<void()>& work) {
  const std::lock_guard run(run_mutex_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
}

void LowPriorityThread::Work() {
  LowerThreadPriority();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return work_ != nullptr || stopping_; });
    if (work_ == nullptr) return;
    lock.unlock();
    {
      const Breaks breaks;
      (*work_)();
    }
    lock.lock();
    work_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace tributary
