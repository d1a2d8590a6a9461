#include "tests/integration/swap_load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/core.h"

namespace tributary {
namespace {

double Milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

double SwapLoad::Outcome::P99Ratio() const {
  return Milliseconds(swapping.Quantile(.99)) /
         Milliseconds(steady.Quantile(.99));
}

void SwapLoad::Outcome::Print() const {
  fmt::print(
      "{} swaps, {} requests, {} failed, {} wrong; p99 {:.3f} ms steady, "
      "{:.3f} ms during swaps ({:.3f}); p50 {:.3f} and {:.3f} ms; longest "
      "{:.3f} and {:.3f} ms; resident {} -> {} bytes ({:+.2f}%)\n",
      swaps, requests, failed, wrong, Milliseconds(steady.Quantile(.99)),
      Milliseconds(swapping.Quantile(.99)), P99Ratio(),
      Milliseconds(steady.Quantile(.5)), Milliseconds(swapping.Quantile(.5)),
      Milliseconds(steady.max()), Milliseconds(swapping.max()), resident_before,
      resident_after,
      100 * (static_cast<double>(resident_after) /
                 static_cast<double>(resident_before) -
             1));
}

SwapLoad::SwapLoad(Deployment* deployment, Options options)
    : deployment_(deployment), options_(std::move(options)) {}

SwapLoad::Outcome SwapLoad::Run(const std::function<void(int)>& swap) {
  std::vector<std::thread> callers;
  for (int c = 0; c < options_.callers; ++c) {
    callers.emplace_back([this, c] { Call(c); });
  }
  // The first fifth warms every thread's memory.
  const int warm = std::max(1, options_.pairs / 5);
  for (int pair = 0; pair <= options_.pairs; ++pair) {
    RunWindow(kSteady, swap);
    // By now the reaper has destroyed all unloaded versions.
    outcome_.resident_after = deployment_->server().ResidentBytes();
    if (pair == warm) outcome_.resident_before = outcome_.resident_after;
    if (pair < options_.pairs) RunWindow(kSwapping, swap);
  }
  window_ = kOver;
  for (std::thread& caller : callers) caller.join();
  outcome_.requests = requests_;
  return outcome_;
}

void SwapLoad::RunWindow(Window window, const std::function<void(int)>& swap) {
  window_ = window;
  const uint64_t goal = requests_ + options_.requests_per_window;
  if (window == kSteady) {
    EXPECT_TRUE(WaitUntil([&] { return requests_ >= goal; }));
    return;
  }
  // Swaps are spread evenly over the window's requests.
  const uint64_t start = requests_;
  for (int i = 0; i < options_.swaps_per_window; ++i) {
    const uint64_t due =
        start + options_.requests_per_window * static_cast<uint64_t>(i) /
                    static_cast<uint64_t>(options_.swaps_per_window);
    EXPECT_TRUE(WaitUntil([&] { return requests_ >= due; }));
    swap(outcome_.swaps++);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_TRUE(WaitUntil([&] { return requests_ >= goal; }));
}

void SwapLoad::Call(int caller) {
  using Clock = std::chrono::steady_clock;
  auto client =
      RetrievalClient::Connect(deployment_->grpc(), {.max_attempts = 1});
  ASSERT_TRUE(client.ok());
  std::array<LogLinearHistogram, 2> latencies;
  uint64_t failed = 0;
  uint64_t wrong = 0;
  for (int i = 0; window_ != kOver; ++i) {
    const v1::RetrieveRequest request = options_.request(caller, i);
    const int window = window_;
    const Clock::time_point start = Clock::now();
    const auto response = (*client)->Retrieve(request);
    const auto took = Clock::now() - start;
    // A request that saw two windows counts for neither.
    if (window == window_) latencies[static_cast<size_t>(window)].Add(took);
    ++requests_;
    if (!response.ok()) {
      ++failed;
    } else if (!options_.check(*response)) {
      ++wrong;
    }
  }
  const MutexLock lock(&mutex_);
  outcome_.steady.Merge(latencies[kSteady]);
  outcome_.swapping.Merge(latencies[kSwapping]);
  outcome_.failed += failed;
  outcome_.wrong += wrong;
}

}  // namespace tributary
