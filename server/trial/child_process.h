#ifndef TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_
#define TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// The descriptor to which the child writes its answer.
inline constexpr int kAnswerDescriptor = 3;

struct ChildTask {
  std::filesystem::path program;
  // Without argv[0], which is the program.
  std::vector<std::string> arguments;
  // "NAME=value". Of this process's own variables the child gets only those
  // that loaders of libraries, sanitizers and coverage read, and TZ: no
  // credentials, and no settings of this program.
  std::vector<std::string> environment;
  std::chrono::milliseconds timeout;
  // A child whose answer is longer is killed.
  size_t max_answer_bytes;
};

struct ChildEnd {
  std::string answer;
  // The last part of what the child wrote to stdout and stderr, at most 4000
  // bytes.
  std::string output_tail;
  // As waitpid(2) returns it.
  int wait_status = 0;
  // Why this process killed the child, if it did.
  bool timed_out = false;
  bool output_limit_exceeded = false;
  bool stopped = false;
};

// Starts the program with posix_spawn and waits for its end. The child inherits
// no descriptor but kAnswerDescriptor; its stdin is /dev/null, and it blocks
// and ignores no signal. It is killed when the timeout is over or `stop` is
// requested. Errors are those of pipe(2) and posix_spawn(3); the child did not
// run then. Thread-safe.
absl::StatusOr<ChildEnd> RunChild(const ChildTask& task, std::stop_token stop);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_
