#include "server/process/low_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

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

void RunAtLowPriority(const std::function<void()>& work) {
  std::thread([&work] {
    LowerThreadPriority();
    work();
  }).join();
}

}  // namespace tributary
