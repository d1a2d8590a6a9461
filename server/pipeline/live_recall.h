#ifndef TRIBUTARY_SERVER_PIPELINE_LIVE_RECALL_H_
#define TRIBUTARY_SERVER_PIPELINE_LIVE_RECALL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "server/metrics/server_metrics.h"
#include "server/pipeline/owned_query.h"
#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The proposals of a source for a sampled request.
struct SampledSource {
  // Index in ServingBundle::retrievers().
  int retriever;
  // How many proposals it was asked for.
  uint32_t asked;
  // Best first.
  std::vector<Row> proposed;
};

// A request whose recall is to be measured.
struct RecallSample {
  RecallSample(std::shared_ptr<const ServingBundle> serving,
               const RetrieverQuery& from)
      : bundle(std::move(serving)), query(from) {}

  std::shared_ptr<const ServingBundle> bundle;
  OwnedQuery query;
  std::vector<SampledSource> sources;
  // Called when it is measured, on the thread that did it: when that began, and
  // ended. May be null.
  std::function<void(SteadyTime, SteadyTime)> on_measured;
};

// Measures recall on live traffic. A background thread of low priority repeats
// the searches of a sample of the requests exactly, and adds to the metrics how
// many of the exact top n the retriever had found. Samples that do not fit into
// the queue are dropped and counted. Thread-safe.
//
// A sample keeps its bundle resident: destroy this before the BundleSet.
class LiveRecall {
 public:
  // `config` is complete; `metrics` outlives this.
  LiveRecall(const v1::LiveRecall& config, ServerMetrics* metrics);
  // Drops the queued samples.
  ~LiveRecall();
  LiveRecall(const LiveRecall&) = delete;
  LiveRecall& operator=(const LiveRecall&) = delete;

  // Whether to sample this request. True for every (1 / sample_share)-th call.
  bool ShouldSample();
  // Queues the sample. Does not wait for its search.
  void Offer(std::unique_ptr<RecallSample> sample);
  // Waits until all queued samples are measured. For tests.
  void Drain();

 private:
  void Run();
  void Measure(const RecallSample& sample);

  const double share_;
  const size_t queue_length_;
  ServerMetrics* const metrics_;
  std::atomic<uint64_t> requests_{0};

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::unique_ptr<RecallSample>> queue_ ABSL_GUARDED_BY(mutex_);
  bool measuring_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_LIVE_RECALL_H_
