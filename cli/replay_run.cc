#include "cli/replay_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "status/status_macros.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

using ReplayClock = std::chrono::steady_clock;

// With so many calls in a row that reach nobody, and none before that did,
// there is no server.
constexpr int kHopeless = 20;

class Replayer {
 public:
  Replayer(const RecordingReader& recording, const ReplayOptions& options,
           RetrievalClient* client)
      : recording_(recording),
        options_(options),
        client_(client),
        calls_(
            options.limit == 0
                ? recording.places().size()
                : std::min<size_t>(options.limit, recording.places().size())) {
    replay_.totals = ReplayTotals(options.worst);
  }

  absl::StatusOr<Replay> Run() {
    start_ = ReplayClock::now();
    std::vector<std::thread> threads;
    for (uint32_t i = 1; i < options_.concurrency; ++i) {
      threads.emplace_back([this] { Work(); });
    }
    Work();
    for (std::thread& thread : threads) thread.join();
    const MutexLock lock(&mutex_);
    replay_.seconds =
        std::chrono::duration<double>(ReplayClock::now() - start_).count();
    RETURN_IF_ERROR(error_);
    if (!reached_ && unreached_ > 0) {
      return absl::UnavailableError(
          fmt::format("no server answers at {}", options_.address));
    }
    return std::move(replay_);
  }

 private:
  void Work() {
    Replay mine;
    mine.totals = ReplayTotals(options_.worst);
    absl::Status error;
    while (error.ok() && !stopped_.load(std::memory_order_relaxed)) {
      const size_t next = next_.fetch_add(1, std::memory_order_relaxed);
      if (next >= calls_) break;
      error = Send(next, &mine);
    }
    if (!error.ok()) stopped_ = true;
    const MutexLock lock(&mutex_);
    error_.Update(error);
    replay_.totals.Merge(mine.totals);
    replay_.pages += mine.pages;
    replay_.overwritten += mine.overwritten;
  }

  absl::Status Send(size_t next, Replay* mine) {
    const RecordedPlace& place = recording_.places()[next];
    const absl::StatusOr<v1::RecordedCall> then = recording_.Read(place);
    if (absl::IsAborted(then.status())) {
      ++mine->overwritten;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(then.status());
    if (!then->request().page_token().empty()) {
      ++mine->pages;
      return absl::OkStatus();
    }
    v1::RetrieveRequest request = then->request();
    if (options_.bundle_version != 0) {
      request.set_bundle_version(options_.bundle_version);
      request.clear_bundle_label();
    } else if (!options_.bundle_label.empty()) {
      request.set_bundle_label(options_.bundle_label);
      request.clear_bundle_version();
    }
    WaitForTurn(next);
    const ReplayClock::time_point sent = ReplayClock::now();
    const absl::StatusOr<v1::RetrieveResponse> now = client_->Retrieve(request);
    const std::chrono::nanoseconds took = ReplayClock::now() - sent;
    RETURN_IF_ERROR(CheckReached(now.status()));
    mine->totals.Add(CompareReplay(place.number, *then, now, options_.depth),
                     *then, now, took);
    return absl::OkStatus();
  }

  void WaitForTurn(size_t next) const {
    if (options_.rate <= 0) return;
    std::this_thread::sleep_until(
        start_ + std::chrono::duration_cast<ReplayClock::duration>(
                     std::chrono::duration<double>(static_cast<double>(next) /
                                                   options_.rate)));
  }

  absl::Status CheckReached(const absl::Status& now) {
    if (!absl::IsUnavailable(now)) {
      reached_ = true;
    } else if (!reached_ && unreached_.fetch_add(1) + 1 >= kHopeless) {
      return now;
    }
    return absl::OkStatus();
  }

  const RecordingReader& recording_;
  const ReplayOptions& options_;
  RetrievalClient* const client_;
  const size_t calls_;
  ReplayClock::time_point start_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> reached_{false};
  std::atomic<int> unreached_{0};
  Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  Replay replay_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Replay> RunReplay(const RecordingReader& recording,
                                 const ReplayOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RetrievalClient> client,
                   RetrievalClient::Connect(options.address, options.client));
  return Replayer(recording, options, client.get()).Run();
}

}  // namespace tributary
