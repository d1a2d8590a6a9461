// Load on a server's Retrieve, and how it answered. This folder depends on the
// public protos alone.
#ifndef TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_
#define TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/load_report.h"
#include "client/load/user_keys.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

struct LoadOptions {
  // host:port or unix:PATH.
  std::string address;
  // Each call is this with a user of its own.
  v1::RetrieveRequest request;
  UserKeys users;
  // 0: closed loop, each caller calls again when it is answered. Else open
  // loop: calls per second, at random times (Poisson), whatever the answers.
  double rate = 0;
  // Calls in progress at most, 1 to 10000. A call of an open loop that finds
  // none free is sent late, and its latency counts from when it was due.
  uint32_t callers = 4;
  // TCP connections that callers share, 1 to callers.
  uint32_t connections = 1;
  // Threads that send and receive, 1 to callers; one makes some 50 000 calls a
  // second.
  uint32_t threads = 1;
  // Of each call, from when it is sent; at least 1.
  uint32_t deadline_ms = 1000;
  // Not reported.
  std::chrono::nanoseconds warm_up{std::chrono::seconds(1)};
  std::chrono::nanoseconds duration{std::chrono::seconds(10)};
  uint64_t seed = 1;
};

// Drives gRPC's asynchronous client: for 4 callers and more a call costs half
// the processor time of one of the synchronous client. Calls are not repeated.
// Thread-safe.
class LoadGenerator {
 public:
  // Called every 100 ms with the share of the load that is done, 0 to 1, and
  // how many calls came back so far.
  using Progress = std::function<void(double done, uint64_t calls)>;

  // Connects. INVALID_ARGUMENT names an option that is out of range;
  // UNAVAILABLE when nobody answers within a few seconds.
  static absl::StatusOr<std::unique_ptr<LoadGenerator>> Connect(
      const LoadOptions& options);

  // Makes the load, and returns when its last call is over.
  LoadReport Run(const Progress& progress = nullptr) const;

 private:
  using Stubs = std::vector<std::unique_ptr<v1::Retrieval::Stub>>;

  LoadGenerator(const LoadOptions& options, Stubs stubs);

  const LoadOptions options_;
  const Stubs stubs_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_
