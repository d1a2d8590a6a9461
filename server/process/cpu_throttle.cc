#include "server/process/cpu_throttle.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace tributary {
namespace {

constexpr long kWorkNs = 50'000;
// The shortest sleep there is; the default timer slack makes it about 50 us. A
// waiting thread gets the processor at once and keeps it as long as it runs.
constexpr long kSleepNs = 1;

// State of the calling thread, which its signal handler reads.
thread_local timer_t timer;
thread_local bool is_throttled = false;

void StartTimer() {
  const itimerspec once{.it_interval = {}, .it_value = {0, kWorkNs}};
  timer_settime(timer, 0, &once, nullptr);
}

// Signal handler. It calls async-signal-safe functions only; see
// signal-safety(7).
void Sleep(int) {
  // The signal may arrive after the thread's last CpuThrottle is destroyed.
  if (!is_throttled) return;
  const int error = errno;
  const timespec moment{0, kSleepNs};
  // Not nanosleep(3), which is a cancellation point.
  syscall(SYS_nanosleep, &moment, nullptr);
  // The timer starts after the sleep, so that a thread that had to wait for a
  // processor gets 50 us of work first.
  StartTimer();
  errno = error;
}

int ThrottleSignal() {
  static const int number = [] {
    struct sigaction action = {};
    action.sa_handler = Sleep;
    action.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN, &action, nullptr);
    return SIGRTMIN;
  }();
  return number;
}

bool MakeTimer() {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = ThrottleSignal();
  // glibc has no public name for this field yet.
  event._sigev_un._tid = gettid();
  return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

}  // namespace

CpuThrottle::CpuThrottle() : is_first_(!is_throttled && MakeTimer()) {
  if (!is_first_) return;
  is_throttled = true;
  StartTimer();
}

CpuThrottle::~CpuThrottle() {
  if (!is_first_) return;
  is_throttled = false;
  timer_delete(timer);
}

}  // namespace tributary
