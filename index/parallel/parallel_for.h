// Parallel loops for offline work, its progress, and how long it will take.
#ifndef TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_
#define TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_

#include <cstdint>
#include <functional>

namespace tributary {

// Cuts [0, n) into pieces [i * piece, min(n, (i + 1) * piece)) and calls
// run(begin, end) for each, on at most `threads` threads (one of them the
// caller's, and at least that), in any order. Returns when all calls have
// returned, and does not wait for threads that did not get to run: where other
// programs have the cores, the caller does the work. The pieces do not depend
// on the number of threads: results do not either if each depends on one piece,
// or if they are combined in the order of the pieces. run() may call
// ParallelFor, and must not throw. Thread-safe. REQUIRES: piece > 0; run() is
// thread-safe.
void ParallelFor(uint64_t n, uint64_t piece, uint32_t threads,
                 const std::function<void(uint64_t, uint64_t)>& run);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PARALLEL_PARALLEL_FOR_H_
