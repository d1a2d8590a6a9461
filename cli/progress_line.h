#ifndef TRIBUTARY_CLI_PROGRESS_LINE_H_
#define TRIBUTARY_CLI_PROGRESS_LINE_H_

#include <chrono>
#include <string>
#include <string_view>

#include "index/parallel/progress.h"

namespace tributary {

// Shows progress on stderr: on a terminal as one line that is redrawn,
// elsewhere as one line per finished step, with the seconds that it took, and
// one every 30 seconds in between. A step that takes longer shows how much time
// is left. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `done` is 0 to 1. A step whose name differs from the last one's begins a
  // new line; the note after kProgressNote is not part of the name.
  void Show(std::string_view step, double done);
  // The same, as work tells it. Views this object.
  Progress AsProgress() {
    return [this](std::string_view step, double done) { Show(step, done); };
  }
  // Ends the step and prints a line of text.
  void Say(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;

  void FinishStep();
  std::string TimeLeft(Clock::time_point now, double done) const;

  const bool terminal_;
  std::string step_;
  // The step's name and its note.
  std::string text_;
  Clock::time_point step_start_;
  Clock::time_point last_drawn_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_PROGRESS_LINE_H_
