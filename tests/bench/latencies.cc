#include "tests/bench/latencies.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

double MicrosSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start)
      .count();
}

}  // namespace

double Latencies::Quantile(double share) const {
  if (call_us.empty()) return 0;
  const auto last = static_cast<double>(call_us.size() - 1);
  return call_us[static_cast<size_t>(share * last)];
}

Latencies Measure(int callers, double seconds,
                  const std::function<void(int, uint64_t)>& call) {
  std::vector<std::vector<double>> by_caller(static_cast<size_t>(callers));
  const auto start = Clock::now();
  const auto run = [&](int caller) {
    auto& mine = by_caller[static_cast<size_t>(caller)];
    for (uint64_t i = 0; MicrosSince(start) < seconds * 1e6; ++i) {
      const auto call_start = Clock::now();
      call(caller, i);
      mine.push_back(MicrosSince(call_start));
    }
  };
  std::vector<std::thread> threads;
  for (int c = 0; c < callers; ++c) threads.emplace_back(run, c);
  for (std::thread& thread : threads) thread.join();
  Latencies latencies;
  latencies.wall_s = MicrosSince(start) / 1e6;
  for (const auto& mine : by_caller) {
    latencies.call_us.insert(latencies.call_us.end(), mine.begin(), mine.end());
  }
  std::sort(latencies.call_us.begin(), latencies.call_us.end());
  return latencies;
}

void Append(const Latencies& more, Latencies* all) {
  const auto middle = static_cast<ptrdiff_t>(all->call_us.size());
  all->call_us.insert(all->call_us.end(), more.call_us.begin(),
                      more.call_us.end());
  std::inplace_merge(all->call_us.begin(), all->call_us.begin() + middle,
                     all->call_us.end());
  all->wall_s += more.wall_s;
}

}  // namespace tributary
