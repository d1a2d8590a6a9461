// When the loader steps; loader.cc is what a step is.
#include <algorithm>
#include <chrono>

#include "index/publish/backoff.h"
#include "server/loader/loader.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMaxBackoff(30'000);

}  // namespace

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
      // At least half of what Backoff doubles to: never below the interval.
      SleepFor(Backoff(++errors + 1, poll_interval,
                       std::max(2 * poll_interval, kMaxBackoff), Chance()),
               stop);
      continue;
    }
    errors = 0;
    // The same action again made no difference the first time.
    const bool wait =
        action->kind == LoaderAction::Kind::kNothing || *action == last;
    last = *action;
    if (wait) SleepFor(poll_interval, stop);
  }
}

}  // namespace tributary
