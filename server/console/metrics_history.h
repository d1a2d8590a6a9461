#ifndef TRIBUTARY_SERVER_CONSOLE_METRICS_HISTORY_H_
#define TRIBUTARY_SERVER_CONSOLE_METRICS_HISTORY_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "server/console/metrics_sample.h"

namespace tributary {

// The last samples of the metrics, in memory that is taken once. Not
// thread-safe.
class MetricsHistory {
 public:
  // Keeps the last `capacity` samples. REQUIRES: capacity > 0.
  explicit MetricsHistory(size_t capacity);

  // Adds a sample; the oldest one makes room.
  void Add(const MetricsSample& sample);
  size_t size() const { return size_; }
  // REQUIRES: i < size(). 0 is the oldest.
  const MetricsSample& at(size_t i) const {
    return ring_[(first_ + i) % ring_.size()];
  }

  // The history and `now`, which is not kept, as JSON for the page: what
  // happened between each two samples as columns, the present state, and for
  // each source what it did since the server started and since the oldest
  // sample. `names` are those of the samples' sources.
  std::string Json(const MetricsSample& now,
                   std::span<const std::string> names) const;

 private:
  std::vector<MetricsSample> ring_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_METRICS_HISTORY_H_
