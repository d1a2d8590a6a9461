#ifndef TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_
#define TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "client/load/log_linear_histogram.h"
#include "tests/integration/deployment.h"

namespace tributary {

// How a server answers while versions are swapped, and while they are not: in
// windows that alternate in one run, so that both see the same machine.
class SwapLoad {
 public:
  struct Options {
    int callers = 4;
    // A pair is a steady window and one with swaps.
    int pairs = 1;
    int swaps_per_window = 1;
    uint64_t requests_per_window = 1;
    // The i-th request of a caller.
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
    // Of the server, after a fifth of the pairs and after all, in steady
    // windows.
    uint64_t resident_before = 0;
    uint64_t resident_after = 0;

    double P99Ratio() const;
    void Print() const;
  };

  SwapLoad(Deployment* deployment, Options options);

  // `swap` is called with 0, 1, 2 ... and makes another version serve.
  Outcome Run(const std::function<void(int)>& swap);

 private:
  enum Window { kSteady, kSwapping, kOver };

  void Call(int caller);
  void RunWindow(Window window, const std::function<void(int)>& swap);

  Deployment* const deployment_;
  const Options options_;
  std::atomic<int> window_{kSteady};
  std::atomic<uint64_t> requests_{0};
  std::mutex mutex_;
  Outcome outcome_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_SWAP_LOAD_H_
