#ifndef TRIBUTARY_CLIENT_LOAD_LANE_H_
#define TRIBUTARY_CLIENT_LOAD_LANE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "client/load/load_generator.h"
#include "client/load/load_report.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "sync/mutex.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// The warm-up lasts from `start` to `measured`: calls due then are made but not
// reported. No call is sent after `end`.
struct LoadWindow {
  std::chrono::steady_clock::time_point start;
  std::chrono::steady_clock::time_point measured;
  std::chrono::steady_clock::time_point end;
};

// One thread's part of a load: some of the callers and, in an open loop, the
// same share of the rate. (The sum of Poisson processes is a Poisson process.)
class Lane {
 public:
  using Stubs = std::span<const std::unique_ptr<v1::Retrieval::Stub>>;

  // Makes the calls of callers `first_caller` to `first_caller + callers - 1`.
  // `options` and `stubs` must outlive the lane.
  Lane(const LoadOptions& options, Stubs stubs, const LoadWindow& window,
       uint32_t first_caller, uint32_t callers);

  // Makes the calls, and returns when the last one is over. In an open loop a
  // second thread sends while the calling thread receives. Call it once.
  void Run();

  // The number of calls that are over. Thread-safe.
  uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }
  // Valid after Run.
  const LoadReport& report() const { return report_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A caller and the call that it has in progress.
  struct Caller {
    v1::Retrieval::Stub* stub = nullptr;
    v1::RetrieveRequest request;
    v1::RetrieveResponse response;
    // A new one for each call.
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::RetrieveResponse>>
        reader;
    grpc::Status status;
    // When the call should have been sent, and when it was.
    Time due;
    Time sent;
    // Orders the sender's writes before the receiver's reads. gRPC orders them
    // too, but ThreadSanitizer does not see how.
    std::atomic<bool> in_progress{false};
  };

  void RunClosed();
  void RunOpen();
  void SendArrivals();
  // Returns a caller without a call in progress; null if the load ends first.
  Caller* WaitForFree();

  void Send(Caller* caller, Time due);
  // Waits until a call is over, and counts it. Null after the last call.
  Caller* Receive();
  void Count(const Caller& caller, Time now);
  void CountUnsent(Time due);

  // Constant after construction.
  const LoadOptions& options_;
  const LoadWindow window_;

  // Thread-safe.
  grpc::CompletionQueue queue_;
  std::atomic<uint64_t> calls_{0};

  // A caller belongs to the sending thread until Send, then to the receiving
  // thread until that returns it to free_.
  std::vector<Caller> callers_;

  // Used by the sending thread alone.
  std::mt19937_64 random_;
  LoadReport unsent_;

  // Used by the receiving thread alone.
  LoadReport report_;
  Time last_answer_;

  Mutex mutex_;
  // Signals that free_ is not empty.
  CondVar freed_;
  // Only an open loop uses it.
  std::vector<Caller*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LANE_H_
