#ifndef TRIBUTARY_CLI_PROGRESS_LINE_H_
#define TRIBUTARY_CLI_PROGRESS_LINE_H_

#include <chrono>
#include <string>
#include <string_view>

namespace tributary {

// Shows progress on stderr: on a terminal as one line that is redrawn,
// otherwise as one line for each finished step. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `done` is from 0 to 1. A step whose name differs from that of the last call
  // begins a new line.
  void Show(std::string_view step, double done);

 private:
  using Clock = std::chrono::steady_clock;

  void FinishStep();

  const bool terminal_;
  std::string step_;
  // The step with its note.
  std::string text_;
  Clock::time_point step_start_;
  Clock::time_point last_drawn_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_PROGRESS_LINE_H_
