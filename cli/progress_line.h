#ifndef TRIBUTARY_CLI_PROGRESS_LINE_H_
#define TRIBUTARY_CLI_PROGRESS_LINE_H_

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/notification.h"
#include "google/protobuf/struct.pb.h"
#include "index/parallel/progress.h"
#include "index/parallel/remaining_time.h"
#include "sync/mutex.h"

namespace tributary {

// How progress is shown on stderr.
enum class ProgressStyle {
  // A bar on a terminal, else a log.
  kAuto,
  // One line that is redrawn.
  kBar,
  // A line for each finished step, with the seconds that it took, and one every
  // 30 seconds in between.
  kLog,
  // An object of JSON on a line of its own, for programs: when a step begins,
  // when it ends, and each second in between. Other text is in its `text`.
  kJson,
  kNone,
};

// Adds --progress to the command.
void AddProgressFlag(CLI::App& command, ProgressStyle* style);

// Shows progress: the step, how much of it is done and how much time is left of
// it and of all the work, if its steps are known. A thread of its own shows
// what was heard last when work is silent for long. Thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(ProgressStyle style = ProgressStyle::kAuto,
                        std::FILE* out = stderr);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // The steps that will come, for estimates of the whole.
  void Expect(std::vector<ExpectedStep> steps) ABSL_LOCKS_EXCLUDED(mutex_);
  // `done` is 0 to 1. A step whose name differs from the last one's begins a
  // new line; the note after kProgressNote is not part of the name.
  void Show(std::string_view step, double done) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same, as work tells it. Views this object.
  Progress AsProgress() {
    return [this](std::string_view step, double done) { Show(step, done); };
  }
  // The step is over, and none follows at once.
  void EndStep() ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the step and prints a line of text.
  void Say(std::string_view text) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Clock = std::chrono::steady_clock;

  Clock::duration Interval() const;
  void Redraw() ABSL_LOCKS_EXCLUDED(mutex_);
  void Finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Draw(Clock::time_point now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DrawText(double so_far_s) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DrawJson(double so_far_s, bool is_over)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PrintObject(const google::protobuf::Struct& object) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const ProgressStyle style_;
  std::FILE* const out_;

  Mutex mutex_;
  RemainingTime whole_ ABSL_GUARDED_BY(mutex_);
  bool has_whole_ ABSL_GUARDED_BY(mutex_) = false;
  std::string step_ ABSL_GUARDED_BY(mutex_);
  // The step's name and its note.
  std::string text_ ABSL_GUARDED_BY(mutex_);
  double done_ ABSL_GUARDED_BY(mutex_) = 0;
  Clock::time_point step_start_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point last_drawn_ ABSL_GUARDED_BY(mutex_);

  absl::Notification stop_;
  std::thread redraws_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_PROGRESS_LINE_H_
