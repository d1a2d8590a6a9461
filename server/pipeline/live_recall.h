#ifndef TRIBUTARY_SERVER_PIPELINE_LIVE_RECALL_H_
#define TRIBUTARY_SERVER_PIPELINE_LIVE_RECALL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "server/metrics/server_metrics.h"
#include "server/pipeline/owned_query.h"
#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What a source proposed for a sampled request.
struct SampledSource {
  // Index in ServingBundle::retrievers().
  int retriever;
  uint32_t asked;
  // Best first.
  std::vector<Row> proposed;
};

struct RecallSample {
  RecallSample(std::shared_ptr<const ServingBundle> serving,
               const RetrieverQuery& from)
      : bundle(std::move(serving)), query(from) {}

  std::shared_ptr<const ServingBundle> bundle;
  OwnedQuery query;
  std::vector<SampledSource> sources;
};

// Recall on live traffic: a share of requests is searched again exactly by one
// thread of low priority, and the share of the exact top n that the retriever
// had found goes to the metrics. What does not fit into the queue is dropped
// and counted. Thread-safe.
//
// Samples hold their bundle: destroy this before the BundleSet.
class LiveRecall {
 public:
  // `config` is complete; `metrics` outlives this.
  LiveRecall(const v1::LiveRecall& config, ServerMetrics* metrics);
  // Drops what is queued.
  ~LiveRecall();
  LiveRecall(const LiveRecall&) = delete;
  LiveRecall& operator=(const LiveRecall&) = delete;

  // Whether this request is one of the sample: every 1/sample_share-th.
  bool ShouldSample();
  // Never waits for the search.
  void Offer(std::unique_ptr<RecallSample> sample);
  // Waits until everything offered so far is measured. For tests.
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
