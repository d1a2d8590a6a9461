// Puts load on a server's Retrieve and measures its answers. This folder
// depends on the public protos alone.
#ifndef TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_
#define TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/credentials.h"
#include "client/load/load_report.h"
#include "client/load/user_keys.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

struct LoadOptions {
  // The server: host:port or unix:PATH.
  std::string address;
  // How to make sure of the server, and how to show it who calls.
  ClientCredentials credentials = {};
  // Each call sends this request with a user drawn from `users`.
  v1::RetrieveRequest request;
  UserKeys users;
  // 0: a closed loop, in which each caller calls again when it is answered.
  // Otherwise an open loop of this many calls per second, at most 1e7, at
  // random times (a Poisson process) that do not depend on the answers.
  double rate = 0;
  // The most calls in progress at one time, 1 to 10000. In an open loop, a call
  // that finds no caller free is sent late; its latency counts from when it was
  // due.
  uint32_t callers = 4;
  // TCP connections that the callers share, 1 to `callers`.
  uint32_t connections = 1;
  // Threads that send and receive, 1 to `callers`. One thread makes about 50
  // 000 calls a second.
  uint32_t threads = 1;
  // The deadline of each call, counted from when it is sent; at least 1.
  uint32_t deadline_ms = 1000;
  // Calls due during the warm-up, which precedes `duration`, are not reported.
  std::chrono::nanoseconds warm_up{std::chrono::seconds(1)};
  std::chrono::nanoseconds duration{std::chrono::seconds(10)};
  // Seed of the users and of the arrival times.
  uint64_t seed = 1;
};

// Generates load with gRPC's asynchronous client: with 4 or more callers, a
// call takes half the processor time that it takes with the synchronous client.
// Calls that fail are not retried. Thread-safe.
class LoadGenerator {
 public:
  // Called about every 100 ms, on the thread of Run, with the share of the time
  // that has passed, from 0, and the number of calls that are over.
  using Progress = std::function<void(double done, uint64_t calls)>;

  // Opens the connections. INVALID_ARGUMENT names an option that is out of
  // range; UNAVAILABLE if no server accepts them within 5 s; those of
  // OpenChannel, about credentials.
  static absl::StatusOr<std::unique_ptr<LoadGenerator>> Connect(
      const LoadOptions& options);

  // Generates the load, and returns when its last call is over.
  LoadReport Run(const Progress& progress = nullptr) const;

 private:
  using Stubs = std::vector<std::unique_ptr<v1::Retrieval::Stub>>;

  LoadGenerator(const LoadOptions& options, Stubs stubs);

  const LoadOptions options_;
  const Stubs stubs_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOAD_GENERATOR_H_
