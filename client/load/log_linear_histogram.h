#ifndef TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_
#define TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tributary {

// Counts of durations in buckets that are a fixed share of their value wide, as
// in G. Tene's HdrHistogram: any quantile of any number of values with a
// bounded relative error, in 66 kB. Adding costs an increment. Not thread-safe.
class LogLinearHistogram {
 public:
  // Quantiles are too large by at most this share.
  static constexpr double kMaxRelativeError = 1.0 / 256;
  // Longer durations (18 minutes) are counted as this one; max() and mean()
  // are of what they were.
  static constexpr int64_t kHighestNs = (int64_t{1} << 40) - 1;

  LogLinearHistogram();

  // Negative durations count as 0.
  void Add(std::chrono::nanoseconds duration, uint64_t times = 1);
  void Merge(const LogLinearHistogram& other);

  uint64_t count() const { return count_; }
  // Exact; 0 without values, as below.
  std::chrono::nanoseconds max() const { return max_; }
  std::chrono::nanoseconds mean() const;
  // The duration that a share of the values, 0 to 1, is not above.
  std::chrono::nanoseconds Quantile(double share) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ns_ = 0;
  std::chrono::nanoseconds max_{0};
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_
