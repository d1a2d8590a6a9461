#include "server/process/low_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "server/process/cpu_throttle.h"

namespace tributary {

void LowerThreadPriority() {
  // On Linux both calls change the thread, not the process. Failures are
  // ignored: they only cost requests some time. SCHED_IDLE would be too little:
  // with its share of a busy machine, 3 / 1024, a minute's work would take
  // hours.
  const sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
  constexpr int kLowest = 19;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest);
}

LowPriorityThread::LowPriorityThread() : thread_([this] { Work(); }) {}

LowPriorityThread::~LowPriorityThread() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void LowPriorityThread::Run(const std::function<void()>& work) {
  const MutexLock run(&run_mutex_);
  MutexLock lock(&mutex_);
  work_ = &work;
  changed_.NotifyAll();
  while (work_ != nullptr) changed_.Wait(&mutex_);
}

void LowPriorityThread::Work() {
  LowerThreadPriority();
  MutexLock lock(&mutex_);
  while (true) {
    while (work_ == nullptr && !stopping_) changed_.Wait(&mutex_);
    if (work_ == nullptr) return;
    const std::function<void()>* const work = work_;
    lock.Unlock();
    {
      const CpuThrottle throttle;
      (*work)();
    }
    lock.Lock();
    work_ = nullptr;
    changed_.NotifyAll();
  }
}

}  // namespace tributary
