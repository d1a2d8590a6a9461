// How much memory there is: of the machine, and of the container that this
// process is in (cgroup version 1 or 2). Thread-safe.
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

// In bytes.
struct MemoryNumbers {
  // All there is, used or not.
  uint64_t total = std::numeric_limits<uint64_t>::max();
  // What may still be taken: free, or holding what is dropped first.
  uint64_t available = std::numeric_limits<uint64_t>::max();
};

struct ProcessMemory {
  MemoryNumbers machine;
  // The least of the process's control group and those it is in; what no group
  // limits is the largest number there is.
  MemoryNumbers container;

  // Of both, the least of each number.
  MemoryNumbers least() const;
};

// MemTotal and MemAvailable of <root>/proc/meminfo, and the limits of the
// control groups of <root>/proc/self/cgroup. Of a group's usage, file pages
// that nobody used lately count as available. Groups that cannot be read limit
// nothing. NOT_FOUND and DATA_LOSS are about meminfo. `root` is for tests.
absl::StatusOr<ProcessMemory> ReadProcessMemory(
    const std::filesystem::path& root = "/");

// RESOURCE_EXHAUSTED, saying both figures, when `needs` bytes are more than
// `has`. `what` is what needs them, `where` who has them: "version 7", "the
// machine".
absl::Status CheckMemory(std::string_view what, uint64_t needs,
                         std::string_view where, uint64_t has);

// "12.3 GiB".
std::string ByteText(uint64_t bytes);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_MEMORY_H_
