#ifndef TRIBUTARY_SERVER_PROCESS_CPU_THROTTLE_H_
#define TRIBUTARY_SERVER_PROCESS_CPU_THROTTLE_H_

namespace tributary {

// Throttles the calling thread during its lifetime: the thread sleeps briefly
// after every 50 us, so that background work gives way to requests.
//
// The lowest priority is not enough. Linux lets a running thread keep its
// processor until the next tick, up to 4 ms, even if a thread of higher
// priority wakes up and waits for it. A request takes a tenth of that.
// Throttled work takes two to four times as long.
//
// A second CpuThrottle on the same thread has no effect. The throttle works by
// a timer that sends SIGRTMIN to the thread. System calls are restarted, except
// the few that never are (poll, nanosleep: see signal(7)), which fail with
// EINTR. When the system has no timers left, the thread is not throttled.
class CpuThrottle {
 public:
  CpuThrottle();
  ~CpuThrottle();
  CpuThrottle(const CpuThrottle&) = delete;
  CpuThrottle& operator=(const CpuThrottle&) = delete;

 private:
  // Constant after construction.
  const bool is_first_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_CPU_THROTTLE_H_
