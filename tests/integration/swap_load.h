#ifndef TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_
#define TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "client/load/log_linear_histogram.h"
#include "sync/mutex.h"
#include "tests/integration/deployment.h"

namespace tributary {

// Measures a server's answers while versions are swapped and while they are
// not, in alternating windows of one run, so that both see the same machine.
class SwapLoad {
 public:
  struct Options {
    int callers = 4;
    // How many pairs of a steady window and one with swaps.
    int pairs = 1;
    int swaps_per_window = 1;
    uint64_t requests_per_window = 1;
    // Makes the i-th request of a caller.
    std::function<v1::RetrieveRequest(int caller, int i)> request;
    // Whether a response is complete, and of the version it names.
    std::function<bool(const v1::RetrieveResponse&)> check;
  };
  struct Outcome {
    uint64_t requests = 0;
    uint64_t failed = 0;
    uint64_t wrong = 0;
    int swaps = 0;
    LogLinearHistogram steady;
    LogLinearHistogram swapping;
    // Resident memory of the server in bytes, after a fifth of the pairs and
    // after all of them, in steady windows.
    uint64_t resident_before = 0;
    uint64_t resident_after = 0;

    double P99Ratio() const;
    void Print() const;
  };

  SwapLoad(Deployment* deployment, Options options);

  // `swap` is called with 0, 1, 2 ... and activates another version.
  Outcome Run(const std::function<void(int)>& swap);

 private:
  enum Window { kSteady, kSwapping, kOver };

  void Call(int caller);
  void RunWindow(Window window, const std::function<void(int)>& swap);

  Deployment* const deployment_;
  const Options options_;
  std::atomic<int> window_{kSteady};
  std::atomic<uint64_t> requests_{0};
  // Held by callers while they add their figures to outcome_.
  Mutex mutex_;
  Outcome outcome_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_
