#ifndef TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_
#define TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// The descriptor that the child writes its answer to.
inline constexpr int kAnswerDescriptor = 3;

struct ChildTask {
  std::filesystem::path program;
  // After the program's name.
  std::vector<std::string> arguments;
  // "NAME=value", in place of what the environment has of that name.
  std::vector<std::string> environment;
  std::chrono::milliseconds timeout;
  // Of the answer; a child that says more is killed.
  size_t max_answer_bytes;
};

struct ChildEnd {
  std::string answer;
  // The end of what it wrote to stdout and stderr.
  std::string last_words;
  // As of waitpid(2).
  int wait_status = 0;
  // Killed by this process, because of one of these.
  bool timed_out = false;
  bool said_too_much = false;
  bool stopped = false;
};

// Starts the program by posix_spawn, with no descriptor of this process but
// kAnswerDescriptor, /dev/null as stdin, no signal blocked or ignored, and
// waits for its end; it is killed when the time is over, or `stop` is
// requested. Errors: those of pipe(2) and posix_spawn(3), before anything ran.
// Thread-safe.
absl::StatusOr<ChildEnd> RunChild(const ChildTask& task, std::stop_token stop);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_CHILD_PROCESS_H_
