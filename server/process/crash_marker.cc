// The handler calls only what signal-safety(7) allows: clock_gettime, open,
// write, close, sigaction, raise.
#include "server/process/crash_marker.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace tributary {
namespace {

constexpr std::array<int, 5> kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                         SIGABRT};

struct Marker {
  std::array<char, 4096> path{};
  time_t start_s = 0;
  std::array<struct sigaction, kCrashes.size()> before{};
  bool installed = false;
};

// Written before the handler can run, and never destroyed.
Marker marker;
std::atomic<uint64_t> crash_subject{0};

class Line {
 public:
  void Add(const char* text) {
    while (*text != '\0' && size_ < text_.size()) text_[size_++] = *text++;
  }
  void Add(uint64_t number) {
    std::array<char, 21> digits{};
    size_t at = digits.size() - 1;
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    Add(digits.data() + at);
  }
  void AppendTo(const char* path) const {
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    [[maybe_unused]] const ssize_t written = write(fd, text_.data(), size_);
    close(fd);
  }

 private:
  std::array<char, 96> text_{};
  size_t size_ = 0;
};

void OnCrash(int signal) {
  // What happened before this was installed, such as a sanitizer's report or
  // the end of the process, happens when the signal comes again.
  for (size_t i = 0; i < kCrashes.size(); ++i) {
    sigaction(kCrashes[i], &marker.before[i], nullptr);
  }
  const uint64_t subject = crash_subject.exchange(0);
  if (subject != 0) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    Line line;
    line.Add("crashed ");
    line.Add(subject);
    line.Add(" after ");
    line.Add(static_cast<uint64_t>(now.tv_sec - marker.start_s));
    line.Add("\n");
    line.AppendTo(marker.path.data());
  }
  // A fault happens again when the handler returns; a signal that was sent does
  // not.
  raise(signal);
}

}  // namespace

void MarkCrashes(const std::string& path) {
  if (path.size() >= marker.path.size()) return;
  std::memcpy(marker.path.data(), path.c_str(), path.size() + 1);
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  marker.start_s = now.tv_sec;
  if (marker.installed) return;
  marker.installed = true;
  for (size_t i = 0; i < kCrashes.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = OnCrash;
    sigaction(kCrashes[i], &action, &marker.before[i]);
  }
}

void SetCrashSubject(uint64_t subject) {
  crash_subject.store(subject, std::memory_order_relaxed);
}

}  // namespace tributary
