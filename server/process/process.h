// What the programs of server/ have in common as processes: how they log and
// how they are stopped.
#ifndef TRIBUTARY_SERVER_PROCESS_PROCESS_H_
#define TRIBUTARY_SERVER_PROCESS_PROCESS_H_

#include <csignal>
#include <string>

namespace tributary {

// Logs one line an event, key=value, to stderr. `level`: trace, debug, info,
// warn or error. Call it once, before any other thread is there.
void LogToStderr(const std::string& level);

// SIGTERM and SIGINT, blocked in this thread and in those it makes later.
class StopSignals {
 public:
  StopSignals();
  // Returns when one arrives. A second one ends the process at once.
  void Wait() const;

 private:
  sigset_t signals_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_PROCESS_H_
