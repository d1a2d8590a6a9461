#include "cli/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr int kBarWidth = 30;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
// Of a log: someone who watches it sees that the work goes on.
constexpr auto kLogInterval = std::chrono::seconds(30);
// Before, an estimate would only jump about.
constexpr double kFirstEstimateS = 5;
constexpr double kLeastDone = 0.02;

}  // namespace

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() { FinishStep(); }

void ProgressLine::Show(std::string_view step, double done) {
  const auto now = Clock::now();
  const std::string_view name = step.substr(0, step.find(kProgressNote));
  if (name != step_) {
    FinishStep();
    step_ = name;
    step_start_ = now;
    last_drawn_ = terminal_ ? Clock::time_point() : now;
  }
  text_ = step;
  done = std::clamp(done, 0.0, 1.0);
  if (now - last_drawn_ < (terminal_ ? Clock::duration(kRedrawInterval)
                                     : Clock::duration(kLogInterval))) {
    return;
  }
  last_drawn_ = now;
  const std::string left = TimeLeft(now, done);
  if (!terminal_) {
    fmt::print(stderr, "  {:<44} {:3.0f}%{}\n", text_, 100 * done, left);
    return;
  }
  const auto filled = static_cast<size_t>(done * kBarWidth);
  fmt::print(stderr, "\r  {:<44} [{:<{}}] {:3.0f}%{:<16}", text_,
             std::string(filled, '='), kBarWidth, 100 * done, left);
}

// ", 3 min left", or "" while that cannot be told.
std::string ProgressLine::TimeLeft(Clock::time_point now, double done) const {
  const std::chrono::duration<double> took = now - step_start_;
  if (took.count() < kFirstEstimateS || done < kLeastDone) return "";
  const double left_s = took.count() * (1 - done) / done;
  if (left_s < 60) return fmt::format(", {:.0f} s left", left_s);
  return fmt::format(", {:.0f} min left", left_s / 60);
}

void ProgressLine::Say(std::string_view text) {
  FinishStep();
  fmt::print(stderr, "  {}\n", text);
}

void ProgressLine::FinishStep() {
  if (step_.empty()) return;
  const std::chrono::duration<double> took = Clock::now() - step_start_;
  fmt::print(stderr, "{}  {:<44} {:6.1f} s{}\n", terminal_ ? "\r" : "", text_,
             took.count(),
             terminal_ ? std::string(kBarWidth + 16, ' ') : std::string());
  step_.clear();
}

}  // namespace tributary
