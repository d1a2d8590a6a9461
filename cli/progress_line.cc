#include "cli/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr int kBarWidth = 30;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);

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
    last_drawn_ = {};
  }
  text_ = step;
  if (!terminal_ || now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * kBarWidth);
  fmt::print(stderr, "\r  {:<44} [{:<{}}] {:3.0f}%", text_,
             std::string(static_cast<size_t>(filled), '='), kBarWidth,
             100 * std::clamp(done, 0.0, 1.0));
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
             terminal_ ? std::string(kBarWidth, ' ') : std::string());
  step_.clear();
}

}  // namespace tributary
