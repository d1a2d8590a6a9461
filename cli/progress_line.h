#ifndef TRIBUTARY_CLI_PROGRESS_LINE_H_
#define TRIBUTARY_CLI_PROGRESS_LINE_H_

#include <chrono>
#include <string>
#include <string_view>

namespace tributary {

// Progress on stderr: on a terminal one line that is redrawn, elsewhere one
// line per finished step. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `done` from 0 to 1. A step of another name than the last one's begins a new
  // line.
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
