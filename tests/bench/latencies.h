#ifndef TRIBUTARY_TESTS_BENCH_LATENCIES_H_
#define TRIBUTARY_TESTS_BENCH_LATENCIES_H_

#include <cstdint>
#include <functional>
#include <vector>

namespace tributary {

// What a round of calls took.
struct Latencies {
  // Of every call, in microseconds, ascending.
  std::vector<double> call_us;
  double wall_s = 0;

  double Qps() const { return static_cast<double>(call_us.size()) / wall_s; }
  // The share-th quantile, e.g. 0.99.
  double Quantile(double share) const;
};

// `callers` threads call back to back (closed loop) for `seconds`.
// call(caller, i) makes the caller's i-th call.
Latencies Measure(int callers, double seconds,
                  const std::function<void(int, uint64_t)>& call);

// Both rounds as one.
void Append(const Latencies& more, Latencies* all);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_BENCH_LATENCIES_H_
