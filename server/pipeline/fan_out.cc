#include "server/pipeline/fan_out.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include "server/pipeline/owned_query.h"
#include "server/process/call_id.h"
#include "server/retrieval/added_items.h"
#include "spdlog/spdlog.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

// Logs at most one line a second, because a source that fails for one request
// usually fails for all. `suppressed` counts the failures since the last line.
void LogFailure(const ServingBundle& bundle, const NamedRetriever& source,
                const absl::Status& error) {
  static std::atomic<int64_t> next_log_ns{0};
  static std::atomic<uint64_t> suppressed{0};
  const int64_t now_ns = Clock::now().time_since_epoch().count();
  int64_t next = next_log_ns.load(std::memory_order_relaxed);
  if (now_ns < next ||
      !next_log_ns.compare_exchange_strong(next, now_ns + 1'000'000'000)) {
    suppressed.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  spdlog::error(
      "event=source_failed retriever={} version={} error=\"{}\" suppressed={}",
      source.spec->name(), bundle.bundle().version(), error.ToString(),
      suppressed.exchange(0));
}

void AskSource(const ServingBundle& bundle, const RetrieverQuery& query,
               const PlannedSource& source, SourceResult* result) {
  result->proposals.clear();
  result->began = {};
  result->duration = {};
  result->state = SourceState::kLeftOut;
  if (source.left_out) return;
  result->state = SourceState::kLate;
  const SteadyTime start = Clock::now();
  if (start >= query.deadline || query.IsCancelled()) return;
  result->began = start;

  const NamedRetriever& named =
      bundle.retrievers()[static_cast<size_t>(source.retriever)];
  const absl::StatusOr<Ask> ask =
      named.retriever->Retrieve(query, source.asked, &result->proposals);
  const bool answered = ask.ok() && *ask == Ask::kAnswered;
  // After an error they may be anything.
  if (answered) KeepPassing(query, &result->proposals);
  result->duration = Clock::now() - start;
  if (answered) {
    result->state = SourceState::kAnswered;
    return;
  }
  result->proposals.clear();
  if (ask.ok()) {
    result->state = SourceState::kNoQuery;
  } else if (!absl::IsDeadlineExceeded(ask.status())) {
    result->state = SourceState::kFailed;
    LogFailure(bundle, named, ask.status());
  }
}

// Whether the row is one of the query's added items that may be proposed.
bool IsAllowedAddition(const RetrieverQuery& query, Row row) {
  if (query.added == nullptr || !query.added->Has(row)) return false;
  const Row at = row - query.added->first();
  return (query.added_allowed[at / 64] >> (at % 64) & 1) != 0;
}

// The sources of one request that run on the pool. The request and each task
// share its ownership, so that a late task still has its bundle and query.
// Thread-safe.
class PooledSources {
 public:
  PooledSources(std::shared_ptr<const ServingBundle> bundle, const Plan& plan)
      : bundle_(std::move(bundle)), query_(plan.query, &abandoned_) {}

  // Runs source i on the calling thread, and keeps its result for Take.
  void Run(size_t i, const PlannedSource& source) {
    const CallScope scope(call_.id());
    SourceResult result;
    AskSource(*bundle_, query_.view(), source, &result);
    const MutexLock lock(&mutex_);
    results_[i] = std::move(result);
    ++finished_;
    changed_.NotifyOne();
  }

  // Waits until `submitted` sources have finished, or until the deadline, or
  // until the call is cancelled; then sources that run give up.
  void Wait(size_t submitted, const RetrieverQuery& call) {
    constexpr auto kLookAtCancelled = std::chrono::milliseconds(1);
    MutexLock lock(&mutex_);
    while (finished_ != submitted && !call.IsCancelled()) {
      const SteadyTime now = Clock::now();
      if (now >= call.deadline) break;
      changed_.WaitUntil(&mutex_,
                         call.cancelled == nullptr
                             ? call.deadline
                             : std::min(call.deadline, now + kLookAtCancelled));
    }
    abandoned_.store(true, std::memory_order_relaxed);
  }

  // The result of source i; nothing if it has not finished.
  std::optional<SourceResult> Take(size_t i) {
    const MutexLock lock(&mutex_);
    return std::exchange(results_[i], std::nullopt);
  }

 private:
  const std::shared_ptr<const ServingBundle> bundle_;
  const CopiedCallId call_;
  // The call's own flag does not outlive the call.
  std::atomic<bool> abandoned_{false};
  const OwnedQuery query_;
  Mutex mutex_;
  CondVar changed_;
  std::array<std::optional<SourceResult>, kMaxSources> results_
      ABSL_GUARDED_BY(mutex_);
  size_t finished_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Those of the sources `which` that are expected to take longer than
// `inline_below_us`. Bit i stands for source i, here and below.
uint32_t LongSources(const ServingBundle& bundle, const Plan& plan,
                     uint32_t inline_below_us, uint32_t which) {
  uint32_t sources = 0;
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const PlannedSource& source = plan.sources[i];
    const auto& named =
        bundle.retrievers()[static_cast<size_t>(source.retriever)];
    const uint64_t expected_us =
        uint64_t{source.searches} * named.retriever->expected_us(source.asked);
    if (!source.left_out && expected_us > inline_below_us) {
      sources |= 1U << i;
    }
  }
  return sources & which;
}

// Whether `sources` contains source i.
bool Has(uint32_t sources, size_t i) { return (sources >> i & 1) != 0; }

// Submits all of `sources` but the last to the pool. Returns those for which
// its queue had room.
uint32_t Submit(const std::shared_ptr<PooledSources>& pooled, const Plan& plan,
                uint32_t sources, WorkerPool* pool) {
  uint32_t taken = 0;
  for (size_t i = 0; sources >> i > 1; ++i) {
    if (!Has(sources, i)) continue;
    if (pool->TrySubmit([pooled, i, source = plan.sources[i]] {
          pooled->Run(i, source);
        })) {
      taken |= 1U << i;
    }
  }
  return taken;
}

// Waits for the sources in `taken` and takes their results.
void Collect(PooledSources* pooled, const RetrieverQuery& call, uint32_t taken,
             SteadyTime start, std::span<SourceResult> results) {
  pooled->Wait(static_cast<size_t>(__builtin_popcount(taken)), call);
  for (size_t i = 0; i < results.size(); ++i) {
    if (!Has(taken, i)) continue;
    if (std::optional<SourceResult> result = pooled->Take(i)) {
      results[i] = *std::move(result);
      continue;
    }
    results[i].proposals.clear();
    results[i].state = SourceState::kLate;
    results[i].began = start;
    results[i].duration = Clock::now() - start;
  }
}

}  // namespace

void KeepPassing(const RetrieverQuery& query,
                 std::vector<ScoredRow>* proposals) {
  const PassingItems* const passing = query.passing.get();
  if (passing == nullptr) return;
  std::erase_if(*proposals, [&](const ScoredRow& proposal) {
    return proposal.row < passing->rows().size()
               ? !passing->Has(proposal.row)
               : !IsAllowedAddition(query, proposal.row);
  });
}

void FanOut(const std::shared_ptr<const ServingBundle>& bundle,
            const Plan& plan, WorkerPool* pool, uint32_t inline_below_us,
            std::span<SourceResult> results, uint32_t which) {
  const SteadyTime start = Clock::now();
  const uint32_t long_sources =
      LongSources(*bundle, plan, inline_below_us, which);
  std::shared_ptr<PooledSources> pooled;
  uint32_t taken = 0;
  if (pool != nullptr && __builtin_popcount(long_sources) > 1) {
    pooled = std::make_shared<PooledSources>(bundle, plan);
    taken = Submit(pooled, plan, long_sources, pool);
  }
  // Short sources first: a long one may use up the time until the deadline.
  for (const bool is_long : {false, true}) {
    for (size_t i = 0; i < results.size(); ++i) {
      if (!Has(which, i) || Has(taken, i)) continue;
      if (Has(long_sources, i) != is_long) continue;
      AskSource(*bundle, plan.query, plan.sources[i], &results[i]);
    }
  }
  if (taken != 0) Collect(pooled.get(), plan.query, taken, start, results);
}

}  // namespace tributary
