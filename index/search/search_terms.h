#ifndef TRIBUTARY_INDEX_SEARCH_SEARCH_TERMS_H_
#define TRIBUTARY_INDEX_SEARCH_SEARCH_TERMS_H_

#include <atomic>
#include <chrono>

namespace tributary {

using SteadyTime = std::chrono::steady_clock::time_point;

// What a search may cost, beside what it looks for.
struct SearchTerms {
  // Not explicit: most callers have nothing but a deadline.
  SearchTerms(SteadyTime given) : deadline(given) {}

  SteadyTime deadline;
  // True when nobody waits for the result any more; may be null.
  const std::atomic<bool>* cancelled = nullptr;
  // The share, above 0 to 1, of the effort that the index was tuned to: of the
  // lists that are probed, and of the vectors that are reranked. Less finds
  // less. Exact searches do not heed it.
  float effort = 1;

  // Whether to give up. Costs reading a clock.
  bool Over() const {
    return (cancelled != nullptr &&
            cancelled->load(std::memory_order_relaxed)) ||
           std::chrono::steady_clock::now() >= deadline;
  }
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_SEARCH_TERMS_H_
