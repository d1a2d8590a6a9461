#include "cli/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "cli/json_object.h"
#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr int kBarWidth = 30;
// What stands behind the bar.
constexpr int kLeftWidth = 40;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr auto kJsonInterval = std::chrono::seconds(1);
// Of a log: someone who watches it sees that the work goes on.
constexpr auto kLogInterval = std::chrono::seconds(30);
// Before, an estimate would only jump about.
constexpr double kFirstEstimateS = 5;
constexpr double kLeastDone = 0.02;
// Of a line of text as JSON.
constexpr size_t kMaxSaidCharacters = 2000;

double SecondsOf(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double Rounded(double number, int digits) {
  const double unit = std::pow(10, digits);
  return std::round(number * unit) / unit;
}

std::string TimeText(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

ProgressStyle Resolve(ProgressStyle style, std::FILE* out) {
  if (style != ProgressStyle::kAuto) return style;
  return ::isatty(::fileno(out)) == 1 ? ProgressStyle::kBar
                                      : ProgressStyle::kLog;
}

}  // namespace

void AddProgressFlag(CLI::App& command, ProgressStyle* style) {
  command
      .add_option("--progress", *style,
                  "How progress is shown on stderr: auto (a bar on a terminal, "
                  "else a log), bar, log, json (an object on a line of its own "
                  "at least each second of a step), none")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ProgressStyle>{{"auto", ProgressStyle::kAuto},
                                               {"bar", ProgressStyle::kBar},
                                               {"log", ProgressStyle::kLog},
                                               {"json", ProgressStyle::kJson},
                                               {"none", ProgressStyle::kNone}},
          CLI::ignore_case));
}

ProgressLine::ProgressLine(ProgressStyle style, std::FILE* out)
    : style_(Resolve(style, out)), out_(out), whole_({}) {
  if (style_ == ProgressStyle::kNone) return;
  redraws_ = std::thread([this] {
    while (
        !stop_.WaitForNotificationWithTimeout(absl::FromChrono(Interval()))) {
      Redraw();
    }
  });
}

ProgressLine::~ProgressLine() {
  stop_.Notify();
  if (redraws_.joinable()) redraws_.join();
  EndStep();
}

ProgressLine::Clock::duration ProgressLine::Interval() const {
  if (style_ == ProgressStyle::kBar) return kRedrawInterval;
  if (style_ == ProgressStyle::kJson) return kJsonInterval;
  return kLogInterval;
}

void ProgressLine::Expect(std::vector<ExpectedStep> steps) {
  const MutexLock lock(&mutex_);
  whole_ = RemainingTime(std::move(steps));
  has_whole_ = true;
}

void ProgressLine::Show(std::string_view step, double done) {
  if (style_ == ProgressStyle::kNone) return;
  const MutexLock lock(&mutex_);
  const auto now = Clock::now();
  const std::string_view name = step.substr(0, step.find(kProgressNote));
  bool begins = false;
  if (name != step_) {
    Finish();
    step_ = name;
    step_start_ = now;
    last_drawn_ = now;
    begins = style_ != ProgressStyle::kLog;
  }
  text_ = step;
  done_ = std::clamp(done, 0.0, 1.0);
  if (begins || now - last_drawn_ >= Interval()) Draw(now);
}

void ProgressLine::Redraw() {
  const MutexLock lock(&mutex_);
  const auto now = Clock::now();
  if (!step_.empty() && now - last_drawn_ >= Interval()) Draw(now);
}

void ProgressLine::Draw(Clock::time_point now) {
  last_drawn_ = now;
  const double so_far_s = SecondsOf(now - step_start_);
  if (style_ == ProgressStyle::kJson) {
    DrawJson(so_far_s, false);
  } else {
    DrawText(so_far_s);
  }
}

void ProgressLine::DrawText(double so_far_s) {
  std::string left;
  if (so_far_s >= kFirstEstimateS && done_ >= kLeastDone) {
    left = fmt::format(", {} left", TimeText(so_far_s * (1 - done_) / done_));
  }
  const auto whole = whole_.At(step_, done_, so_far_s);
  if (has_whole_ && whole.left_s.has_value() &&
      (so_far_s >= kFirstEstimateS || whole.done >= kLeastDone)) {
    left += fmt::format("; of all {:.0f}%, {} left", 100 * whole.done,
                        TimeText(*whole.left_s));
  }
  if (style_ == ProgressStyle::kLog) {
    fmt::print(out_, "  {:<44} {:3.0f}%{}\n", text_, 100 * done_, left);
    return;
  }
  const auto filled = static_cast<size_t>(done_ * kBarWidth);
  fmt::print(out_, "\r  {:<44} [{:<{}}] {:3.0f}%{:<{}}", text_,
             std::string(filled, '='), kBarWidth, 100 * done_, left,
             kLeftWidth);
  std::fflush(out_);
}

void ProgressLine::DrawJson(double so_far_s, bool is_over) {
  google::protobuf::Struct object;
  auto& members = *object.mutable_fields();
  members["step"].set_string_value(step_);
  const size_t note = text_.find(kProgressNote);
  if (note != std::string::npos) {
    members["note"].set_string_value(text_.substr(note + kProgressNote.size()));
  }
  const double done = is_over ? 1 : done_;
  SetNumber(object, "done", Rounded(done, 4));
  SetNumber(object, "seconds", Rounded(so_far_s, 1));
  members["over"].set_bool_value(is_over);
  const auto whole = whole_.At(step_, done, so_far_s);
  if (has_whole_ && whole.left_s.has_value()) {
    SetNumber(object, "allDone", Rounded(whole.done, 4));
    SetNumber(object, "allSecondsLeft", Rounded(*whole.left_s, 0));
  }
  PrintObject(object);
}

void ProgressLine::PrintObject(const google::protobuf::Struct& object) const {
  std::string json;
  // Only text that is not UTF-8 could fail, and then there is no line.
  if (!google::protobuf::util::MessageToJsonString(object, &json).ok()) return;
  fmt::print(out_, "{}\n", json);
  std::fflush(out_);
}

void ProgressLine::Say(std::string_view text) {
  const MutexLock lock(&mutex_);
  Finish();
  if (style_ == ProgressStyle::kJson) {
    google::protobuf::Struct object;
    (*object.mutable_fields())["text"].set_string_value(
        Printable(text, kMaxSaidCharacters));
    PrintObject(object);
  } else {
    fmt::print(out_, "  {}\n", text);
  }
}

void ProgressLine::EndStep() {
  const MutexLock lock(&mutex_);
  Finish();
}

void ProgressLine::Finish() {
  if (step_.empty()) return;
  const double took_s = SecondsOf(Clock::now() - step_start_);
  if (style_ == ProgressStyle::kJson) {
    DrawJson(took_s, true);
  } else {
    const bool redraws = style_ == ProgressStyle::kBar;
    fmt::print(
        out_, "{}  {:<44} {:6.1f} s{}\n", redraws ? "\r" : "", text_, took_s,
        redraws ? std::string(kBarWidth + kLeftWidth, ' ') : std::string());
  }
  whole_.Finish(step_, took_s);
  step_.clear();
}

}  // namespace tributary
