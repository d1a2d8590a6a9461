#ifndef TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_
#define TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tributary {

// A histogram of durations whose buckets' width is proportional to their value,
// as in G. Tene's HdrHistogram. It yields any quantile of any number of values
// with a bounded relative error, and takes 66 kB. To add a value increments one
// counter. Not thread-safe.
class LogLinearHistogram {
 public:
  // A quantile exceeds the exact value by at most this share of it.
  static constexpr double kMaxRelativeError = 1.0 / 256;
  // Quantiles treat longer durations as this one, 18 minutes; max() and mean()
  // use their real values.
  static constexpr int64_t kHighestNs = (int64_t{1} << 40) - 1;

  LogLinearHistogram();

  // Adds `duration` as many `times`. A negative duration counts as 0.
  void Add(std::chrono::nanoseconds duration, uint64_t times = 1);
  void Merge(const LogLinearHistogram& other);

  uint64_t count() const { return count_; }
  // max() and mean() are exact. They and Quantile() are 0 without values.
  std::chrono::nanoseconds max() const { return max_; }
  std::chrono::nanoseconds mean() const;
  // The smallest duration such that the given share of the values, 0 to 1, are
  // not above it, within kMaxRelativeError.
  std::chrono::nanoseconds Quantile(double share) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ns_ = 0;
  std::chrono::nanoseconds max_{0};
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOG_LINEAR_HISTOGRAM_H_
