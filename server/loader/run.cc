// When the loader steps; loader.cc is what a step is.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "server/loader/loader.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMaxBackoff(30'000);

void WaitFor(milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_for(lock, std::move(stop), duration,
                          [] { return false; });
}

}  // namespace

milliseconds BackoffAfter(int errors, milliseconds poll_interval) {
  const milliseconds most = std::max(poll_interval, kMaxBackoff);
  milliseconds backoff = poll_interval;
  for (int i = 1; i < errors && backoff < most; ++i) backoff *= 2;
  return std::min(backoff, most);
}

void Loader::Run(const std::stop_token& stop) {
  const milliseconds poll_interval(config_.poll_interval_ms());
  absl::Status logged;
  LoaderAction last;
  int errors = 0;
  while (!stop.stop_requested()) {
    const auto action = Step(stop);
    if (stop.stop_requested()) return;
    if (!action.ok()) {
      if (action.status() != logged) {
        spdlog::warn("event=step_failed reason={:?}",
                     action.status().ToString());
      }
      logged = action.status();
      WaitFor(BackoffAfter(++errors, poll_interval), stop);
      continue;
    }
    errors = 0;
    // The same action again made no difference the first time.
    const bool wait =
        action->kind == LoaderAction::Kind::kNothing || *action == last;
    last = *action;
    if (wait) WaitFor(poll_interval, stop);
  }
}

}  // namespace tributary
