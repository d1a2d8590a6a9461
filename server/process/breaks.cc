#include "server/process/breaks.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace tributary {
namespace {

constexpr long kWorkNs = 50'000;
// With the slack that timers have, 50 us more. As short as can be: what waits
// has the processor at once, and keeps it as long as it likes.
constexpr long kBreakNs = 1;

// Of the calling thread; for its signal handler.
thread_local timer_t timer;
thread_local bool takes_breaks = false;

void WorkOn() {
  const itimerspec once{.it_interval = {}, .it_value = {0, kWorkNs}};
  timer_settime(timer, 0, &once, nullptr);
}

// All it calls is async-signal-safe; see signal-safety(7).
void TakeBreak(int) {
  // A signal that was on its way when the last Breaks went.
  if (!takes_breaks) return;
  const int error = errno;
  const timespec moment{0, kBreakNs};
  // Not the library's function, which is a cancellation point.
  syscall(SYS_nanosleep, &moment, nullptr);
  // Only now, so that a thread that had to wait for a processor works first.
  WorkOn();
  errno = error;
}

int BreakSignal() {
  static const int number = [] {
    struct sigaction action = {};
    action.sa_handler = TakeBreak;
    action.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN, &action, nullptr);
    return SIGRTMIN;
  }();
  return number;
}

bool MakeTimer() {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = BreakSignal();
  // What glibc has no name for yet.
  event._sigev_un._tid = gettid();
  return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

}  // namespace

Breaks::Breaks() : is_first_(!takes_breaks && MakeTimer()) {
  if (!is_first_) return;
  takes_breaks = true;
  WorkOn();
}

Breaks::~Breaks() {
  if (!is_first_) return;
  takes_breaks = false;
  timer_delete(timer);
}

}  // namespace tributary
