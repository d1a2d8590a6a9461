#include "index/parallel/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace tributary {

void ParallelFor(uint64_t n, uint64_t piece, uint32_t threads,
                 const std::function<void(uint64_t, uint64_t)>& run) {
  const uint64_t pieces = (n + piece - 1) / piece;
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    for (uint64_t i; (i = next.fetch_add(1)) < pieces;) {
      run(i * piece, std::min(n, (i + 1) * piece));
    }
  };
  std::vector<std::thread> others;
  for (uint64_t i = 1; i < std::min<uint64_t>(threads, pieces); ++i) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& thread : others) thread.join();
}

}  // namespace tributary
