#include "server/process/process.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "server/process/call_id.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

// How long the end of StopsAtOnce waits at most.
constexpr auto kStopPollInterval = std::chrono::milliseconds(10);
// What shells say of a process that a signal ended.
constexpr int kSignalStatus = 128;

// Linux spares the first process of a container from signals that it does not
// handle: a second SIGTERM, or Ctrl-C, would do nothing.
void EndFirstProcessBy(int signal) {
  if (::getpid() != 1) return;
  std::signal(signal, [](int number) { ::_exit(kSignalStatus + number); });
}

// " request_id=..." where the thread that logs works for a call.
class CallIdFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& /*message*/,
              const std::tm& /*at*/, spdlog::memory_buf_t& line) override {
    const CallId* const call = CurrentCall();
    if (call == nullptr) return;
    const std::string text = " request_id=" + call->Text();
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<CallIdFlag>();
  }
};

}  // namespace

void LogToStderr(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tributary"));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<CallIdFlag>('*').set_pattern(
      "time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v%*");
  spdlog::set_formatter(std::move(formatter));
  spdlog::set_level(spdlog::level::from_str(level));
}

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void StopSignals::Wait() const {
  while (!WaitFor(std::chrono::hours(1))) {
  }
}

bool StopSignals::WaitFor(std::chrono::milliseconds time) const {
  const timespec limit = {.tv_sec = time.count() / 1000,
                          .tv_nsec = time.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&signals_, nullptr, &limit);
  if (signal < 0) return false;
  spdlog::info("event=stopping signal={}", signal);
  for (const int next : {SIGTERM, SIGINT}) EndFirstProcessBy(next);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return true;
}

StopsAtOnce::StopsAtOnce(const StopSignals* signals)
    : thread_([this, signals] {
        while (!over_) {
          if (!signals->WaitFor(kStopPollInterval)) continue;
          spdlog::info("event=stopped");
          std::_Exit(0);
        }
      }) {}

StopsAtOnce::~StopsAtOnce() {
  over_ = true;
  thread_.join();
}

void KeepSecrets() {
  // It cannot fail with this argument.
  static_cast<void>(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

}  // namespace tributary
