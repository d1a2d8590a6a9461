// Work on many threads, for what runs offline. Depends on nothing of ours.
#ifndef TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_
#define TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_

#include <cstdint>
#include <functional>

namespace tributary {

// Calls run(begin, end) for the pieces of [0, n) that begin at multiples of
// `piece`, on `threads` threads (at least one), in any order. The pieces do not
// depend on the number of threads: what run() computes from its piece alone
// does not either. Returns when all are done. REQUIRES: piece > 0.
void ParallelFor(uint64_t n, uint64_t piece, uint32_t threads,
                 const std::function<void(uint64_t, uint64_t)>& run);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_
