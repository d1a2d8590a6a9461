// Memory of the machine, and of the container in which this process runs
// (cgroup version 1 or 2). All functions are thread-safe.
#ifndef TRIBUTARY_SERVER_PROCESS_MEMORY_H_
#define TRIBUTARY_SERVER_PROCESS_MEMORY_H_

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// Amounts in bytes; the maximum of uint64_t stands for "no limit".
struct MemoryNumbers {
  uint64_t total = std::numeric_limits<uint64_t>::max();
  // Bytes that can still be allocated: free, or used for reclaimable caches.
  uint64_t available = std::numeric_limits<uint64_t>::max();
};

struct ProcessMemory {
  MemoryNumbers machine;
  // The smallest limits of the process's control group and its ancestors.
  MemoryNumbers container;

  // The smaller value of `machine` and `container`, for each number.
  MemoryNumbers least() const;
};

// Reads MemTotal and MemAvailable of <root>/proc/meminfo, and the limits of the
// control groups in <root>/proc/self/cgroup. A group's inactive file pages
// count as available. A group that cannot be read sets no limit. Errors:
// NOT_FOUND without meminfo, DATA_LOSS when it lacks a number. `root` is for
// tests.
absl::StatusOr<ProcessMemory> ReadProcessMemory(
    const std::filesystem::path& root = "/");

// RESOURCE_EXHAUSTED, with both figures, when `needs` > `has`, in bytes. `what`
// needs the memory ("version 7") and `where` has it ("the machine").
absl::Status CheckMemory(std::string_view what, uint64_t needs,
                         std::string_view where, uint64_t has);

// A readable size: "12.3 GiB".
std::string ByteText(uint64_t bytes);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_MEMORY_H_
