// How the programs of server/ log and how they are stopped.
#ifndef TRIBUTARY_SERVER_PROCESS_PROCESS_H_
#define TRIBUTARY_SERVER_PROCESS_PROCESS_H_

#include <csignal>
#include <string>

namespace tributary {

// Makes spdlog write one line of key=value pairs per event to stderr. `level`
// is trace, debug, info, warn or error. Call it once, before starting threads.
void LogToStderr(const std::string& level);

// Blocks SIGTERM and SIGINT in the calling thread, and in threads it creates
// later, so that Wait receives them.
class StopSignals {
 public:
  StopSignals();
  // Returns when one of the signals arrives, and unblocks them: the next one
  // ends the process at once.
  void Wait() const;

 private:
  sigset_t signals_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_PROCESS_H_
