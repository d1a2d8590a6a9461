#include "server/pipeline/live_recall.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "server/pipeline/fan_out.h"
#include "server/process/cpu_throttle.h"
#include "server/process/low_priority.h"

namespace tributary {
namespace {

// The depths of kLiveRecallDepths for a source that was asked for `asked`.
std::array<uint32_t, kLiveRecallDepths.size()> Depths(uint32_t asked) {
  return {20, 100, asked};
}

// How many items of `exact` are among `proposed`.
uint64_t CountFound(std::span<const ScoredRow> exact,
                    std::span<const Row> proposed) {
  std::vector<Row> rows(proposed.begin(), proposed.end());
  std::sort(rows.begin(), rows.end());
  return static_cast<uint64_t>(
      std::count_if(exact.begin(), exact.end(), [&](const ScoredRow& hit) {
        return std::binary_search(rows.begin(), rows.end(), hit.row);
      }));
}

void Compare(std::span<const ScoredRow> exact, const SampledSource& source,
             RetrieverMetrics* metrics) {
  const auto depths = Depths(source.asked);
  for (size_t i = 0; i < depths.size(); ++i) {
    if (depths[i] > source.asked) continue;
    const auto expected =
        exact.first(std::min<size_t>(depths[i], exact.size()));
    const std::span<const Row> proposed(
        source.proposed.data(),
        std::min<size_t>(depths[i], source.proposed.size()));
    metrics->live_recall[i].Add(CountFound(expected, proposed),
                                expected.size());
  }
}

}  // namespace

LiveRecall::LiveRecall(const v1::LiveRecall& config, ServerMetrics* metrics)
    : share_(config.sample_share()),
      queue_length_(config.queue_length()),
      metrics_(metrics),
      thread_([this] { Run(); }) {}

LiveRecall::~LiveRecall() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

bool LiveRecall::ShouldSample() {
  if (share_ <= 0) return false;
  const auto n =
      static_cast<double>(requests_.fetch_add(1, std::memory_order_relaxed));
  return std::floor((n + 1) * share_) > std::floor(n * share_);
}

void LiveRecall::Offer(std::unique_ptr<RecallSample> sample) {
  {
    const MutexLock lock(&mutex_);
    if (queue_.size() < queue_length_) queue_.push_back(std::move(sample));
  }
  if (sample != nullptr) {
    metrics_->live_recall_dropped.Add();
    return;
  }
  changed_.NotifyAll();
}

void LiveRecall::Drain() {
  MutexLock lock(&mutex_);
  while (!queue_.empty() || measuring_) changed_.Wait(&mutex_);
}

void LiveRecall::Run() {
  LowerThreadPriority();
  MutexLock lock(&mutex_);
  while (true) {
    while (!stopping_ && queue_.empty()) changed_.Wait(&mutex_);
    if (stopping_) return;
    std::unique_ptr<RecallSample> sample = std::move(queue_.front());
    queue_.pop_front();
    measuring_ = true;
    lock.Unlock();
    {
      const CpuThrottle throttle;
      Measure(*sample);
      sample.reset();
    }
    lock.Lock();
    measuring_ = false;
    changed_.NotifyAll();
  }
}

void LiveRecall::Measure(const RecallSample& sample) {
  const SteadyTime began = std::chrono::steady_clock::now();
  RetrieverQuery query = sample.query.view();
  query.deadline = SteadyTime::max();
  std::vector<ScoredRow> exact;
  for (const SampledSource& source : sample.sources) {
    const NamedRetriever& named =
        sample.bundle->retrievers()[static_cast<size_t>(source.retriever)];
    const absl::StatusOr<Ask> ask =
        named.retriever->RetrieveExact(query, source.asked, &exact);
    // A retriever without approximation (UNIMPLEMENTED) has no recall to
    // measure.
    if (!ask.ok() || *ask != Ask::kAnswered) continue;
    KeepPassing(query, &exact);
    Compare(exact, source, &metrics_->ForRetriever(named.spec->name()));
  }
  metrics_->live_recall_samples.Add();
  if (sample.on_measured != nullptr) {
    sample.on_measured(began, std::chrono::steady_clock::now());
  }
}

}  // namespace tributary
