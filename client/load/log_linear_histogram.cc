#include "client/load/log_linear_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tributary {
namespace {

// The range from one power of two to the next has 2^kBits buckets. Below
// 2^(kBits + 1), each nanosecond has a bucket of its own.
constexpr int kBits = 8;

size_t BucketOf(uint64_t ns) {
  const int shift =
      std::max(0, static_cast<int>(std::bit_width(ns)) - (kBits + 1));
  return (static_cast<size_t>(shift) << kBits) + (ns >> shift);
}

// The longest duration in the bucket.
uint64_t HighestOf(size_t bucket) {
  const size_t shift = std::max<size_t>(bucket >> kBits, 1) - 1;
  return ((bucket - (shift << kBits) + 1) << shift) - 1;
}

}  // namespace

LogLinearHistogram::LogLinearHistogram() : counts_(BucketOf(kHighestNs) + 1) {}

void LogLinearHistogram::Add(std::chrono::nanoseconds duration,
                             uint64_t times) {
  const int64_t ns = std::max<int64_t>(0, duration.count());
  counts_[BucketOf(static_cast<uint64_t>(std::min(ns, kHighestNs)))] += times;
  count_ += times;
  sum_ns_ += static_cast<double>(ns) * static_cast<double>(times);
  max_ = std::max(max_, std::chrono::nanoseconds(ns));
}

void LogLinearHistogram::Merge(const LogLinearHistogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds LogLinearHistogram::mean() const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(
      std::llround(sum_ns_ / static_cast<double>(count_)));
}

std::chrono::nanoseconds LogLinearHistogram::Quantile(double share) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double exact = std::ceil(share * static_cast<double>(count_));
  const auto wanted =
      std::clamp<uint64_t>(static_cast<uint64_t>(exact), 1, count_);
  size_t bucket = 0;
  for (uint64_t seen = counts_[0]; seen < wanted; seen += counts_[bucket]) {
    ++bucket;
  }
  return std::min(
      max_, std::chrono::nanoseconds(static_cast<int64_t>(HighestOf(bucket))));
}

}  // namespace tributary
