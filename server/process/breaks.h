#ifndef TRIBUTARY_SERVER_PROCESS_BREAKS_H_
#define TRIBUTARY_SERVER_PROCESS_BREAKS_H_

namespace tributary {

// While one lives, the thread that made it sleeps for a moment after every
// 50 us that pass: work that can wait gives way to requests that cannot.
//
// The lowest priority is not enough for that. Linux lets a thread that runs
// keep its processor until the next tick, up to 4 ms, though another one that
// has just woken up waits for it: a request's, whose whole time is a tenth of
// that. The work takes two to four times as long instead.
//
// A second one on the same thread does nothing. System calls are restarted, but
// for the few that never are (poll, nanosleep: see signal(7)), which end with
// EINTR. Where there are no timers left it does nothing.
class Breaks {
 public:
  Breaks();
  ~Breaks();
  Breaks(const Breaks&) = delete;
  Breaks& operator=(const Breaks&) = delete;

 private:
  // Constant after construction.
  const bool is_first_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_BREAKS_H_
