#ifndef TRIBUTARY_TESTS_TORTURE_BYSTANDERS_H_
#define TRIBUTARY_TESTS_TORTURE_BYSTANDERS_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sync/mutex.h"

namespace tributary {

// The addresses and the process of a server.
struct Victim {
  std::string grpc;
  std::string http;
  std::string admin;
  pid_t pid = -1;
};

// Calls of one kind.
struct Answers {
  std::vector<double> latencies_ms;
  // How often each error was returned.
  std::map<std::string, int> errors;

  size_t answered() const { return latencies_ms.size(); }
  // The latency that this share of the calls that were answered stay below; 0
  // without any.
  double QuantileMs(double share) const;
  double MaxMs() const { return QuantileMs(1); }
};

// What other clients of a server see, and what the server takes meanwhile.
struct Sight {
  // GET /healthz, each over a new connection.
  Answers http;
  Answers admin;
  // grpc.health.v1.Health/Check and Retrieve, over connections that are open.
  Answers health;
  Answers retrieve;
  // Health/Check, each over a new connection.
  Answers new_client;
  uint64_t peak_resident_bytes = 0;
  double cpu_seconds = 0;
  double seconds = 0;
};

// Clients of a server that behave. They call it one call after the other, on a
// few threads, from construction to Stop. Not thread-safe.
class Bystanders {
 public:
  explicit Bystanders(Victim victim);
  ~Bystanders() { Stop(); }
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;

  // What they saw since the last call, or since the construction.
  Sight Take();
  // Ends their threads. A call that is in progress is waited for, at most its
  // deadline of ten seconds.
  void Stop();

 private:
  // Makes a call until Stop; `call` returns "" or an error.
  void Repeat(Answers Sight::*answers, int pause_ms,
              std::function<std::string()> call);
  void WatchMemory();

  const Victim victim_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  Sight sight_ ABSL_GUARDED_BY(mutex_);
  double cpu_seconds_before_ = 0;
  double began_seconds_ = 0;
  std::vector<std::thread> threads_;
};

// "" when GET `path` over a new connection is answered with 200.
std::string GetOverNewConnection(const std::string& address,
                                 const std::string& path);
// "" when the server at this address says over a new connection that it serves.
std::string CheckOverNewConnection(const std::string& address);
// "" when the first Retrieve over a new connection is answered.
std::string RetrieveOverNewConnection(const std::string& address);

// How long the process has used a core.
double CpuSeconds(pid_t pid);
uint64_t ResidentBytes(pid_t pid);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_BYSTANDERS_H_
