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

// When a load starts, from when on it counts, and when no more is sent.
struct LoadWindow {
  std::chrono::steady_clock::time_point start;
  std::chrono::steady_clock::time_point measured;
  std::chrono::steady_clock::time_point end;
};

// One thread's part of a load: some of the callers and, in an open loop, as
// much of the rate. (Poisson processes add up to one.)
class Lane {
 public:
  using Stubs = std::span<const std::unique_ptr<v1::Retrieval::Stub>>;

  // The options and stubs outlive it.
  Lane(const LoadOptions& options, Stubs stubs, const LoadWindow& window,
       uint32_t first_caller, uint32_t callers);

  // Once: makes its part of the load on the calling thread; an open loop sends
  // on another.
  void Run();

  // Calls that came back so far. Thread-safe.
  uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }
  // After Run.
  const LoadReport& report() const { return report_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A caller and its call in progress.
  struct Caller {
    v1::Retrieval::Stub* stub = nullptr;
    v1::RetrieveRequest request;
    v1::RetrieveResponse response;
    // Anew for each call.
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::RetrieveResponse>>
        reader;
    grpc::Status status;
    // When it was to be sent, and was.
    Time due;
    Time sent;
    // Orders what the sender wrote before what the receiver reads: gRPC does
    // so too, but out of a sanitizer's sight.
    std::atomic<bool> in_progress{false};
  };

  void RunClosed();
  void RunOpen();
  void SendArrivals();
  // A caller without a call; null when the load ends first.
  Caller* WaitForFree();

  void Send(Caller* caller, Time due);
  // Waits for a call to be over, and counts it; null when there will be none.
  Caller* Receive();
  void Count(const Caller& caller, Time now);
  void CountUnsent(Time due);

  const LoadOptions& options_;
  const LoadWindow window_;
  std::mt19937_64 random_;
  std::vector<Caller> callers_;
  grpc::CompletionQueue queue_;
  std::atomic<uint64_t> calls_{0};
  // Of the thread in Run, and of the one that sends.
  LoadReport report_;
  LoadReport unsent_;
  Time last_answer_;

  // Of an open loop.
  Mutex mutex_;
  CondVar freed_;
  std::vector<Caller*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LANE_H_
