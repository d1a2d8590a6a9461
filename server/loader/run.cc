// When the loader takes steps; loader.cc has the steps.
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
      // Backoff returns at least half of the doubled interval, so that the
      // pause is never shorter than the interval.
      SleepFor(Backoff(++errors + 1, poll_interval,
                       std::max(2 * poll_interval, kMaxBackoff), Chance()),
               stop);
      continue;
    }
    errors = 0;
    // An action that is due again right after it was taken had no effect.
    const bool wait =
        action->kind == LoaderAction::Kind::kNothing || *action == last;
    last = *action;
    if (wait) SleepFor(poll_interval, stop);
  }
}

}  // namespace tributary
