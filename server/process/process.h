// How the programs of server/ log and how they are stopped.
#ifndef TRIBUTARY_SERVER_PROCESS_PROCESS_H_
#define TRIBUTARY_SERVER_PROCESS_PROCESS_H_

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace tributary {

// Makes spdlog write one line of key=value pairs per event to stderr, with the
// id of the call that the thread works for (CallScope). `level` is trace,
// debug, info, warn or error. Call it once, before starting threads.
void LogToStderr(const std::string& level);

// Blocks SIGTERM and SIGINT in the calling thread, and in threads it creates
// later, so that they are received here. Construct it first in the program, so
// that no signal ends the process before. Thread-safe.
class StopSignals {
 public:
  StopSignals();
  // Returns when one of the signals arrives, and unblocks them in the calling
  // thread: the next one ends the process at once.
  void Wait() const;
  // Waits like Wait, for at most the time. False: none arrived.
  bool WaitFor(std::chrono::milliseconds time) const;

 private:
  sigset_t signals_;
};

// While it lives, a stop signal ends the process at once, with status 0: for
// the start of a program, whose work is lost without harm. Thread-safe.
class StopsAtOnce {
 public:
  // `signals` outlives this.
  explicit StopsAtOnce(const StopSignals* signals);
  ~StopsAtOnce();
  StopsAtOnce(const StopsAtOnce&) = delete;
  StopsAtOnce& operator=(const StopsAtOnce&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// Keeps this process's memory, which holds private keys and tokens, out of core
// files and from other processes of the same user (prctl PR_SET_DUMPABLE).
void KeepSecrets();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_PROCESS_H_
