// What the allocator keeps after a flood of large requests, given back to the
// kernel.
#ifndef TRIBUTARY_SERVER_PROCESS_FREE_MEMORY_H_
#define TRIBUTARY_SERVER_PROCESS_FREE_MEMORY_H_

#include <chrono>
#include <cstdint>
#include <thread>

#include "absl/synchronization/notification.h"

namespace tributary {

// Bytes of this process that no file backs and that are in memory.
uint64_t ResidentHeapBytes();

// Watches the process, and returns free memory to the kernel once it has grown
// by `grown_bytes` since the last time, of which the allocator has as much
// unused at two looks in a row. A server that is always busy with large
// requests therefore does not pay for it again and again. glibc by itself
// returns only what lies at the end of an arena: of a request of four megabytes
// one small block that lives on can keep all.
class FreeMemory {
 public:
  struct Options {
    uint64_t grown_bytes = uint64_t{16} << 20;
    std::chrono::milliseconds interval{500};
  };

  // Starts a thread.
  explicit FreeMemory(const Options& options);
  // Ends it.
  ~FreeMemory();
  FreeMemory(const FreeMemory&) = delete;
  FreeMemory& operator=(const FreeMemory&) = delete;

 private:
  void Run() const;

  // Constant after construction.
  const Options options_;
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_FREE_MEMORY_H_
