#include "server/process/free_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

#include "absl/time/time.h"

namespace tributary {
namespace {

uint64_t UnusedHeapBytes() { return mallinfo2().fordblks; }

}  // namespace

uint64_t ResidentHeapBytes() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kField = "RssAnon:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kField)) continue;
    return std::stoull(line.substr(kField.size())) << 10;
  }
  return 0;
}

FreeMemory::FreeMemory(const Options& options)
    : options_(options), thread_([this] { Run(); }) {}

FreeMemory::~FreeMemory() {
  stop_.Notify();
  thread_.join();
}

void FreeMemory::Run() const {
  uint64_t after_last_bytes = ResidentHeapBytes();
  bool seen_before = false;
  while (!stop_.WaitForNotificationWithTimeout(
      absl::FromChrono(options_.interval))) {
    // The allocator's own count takes the lock of every arena, and is asked for
    // only where there may be something to return.
    const bool seen =
        ResidentHeapBytes() >= after_last_bytes + options_.grown_bytes &&
        UnusedHeapBytes() >= options_.grown_bytes;
    if (seen && seen_before) {
      malloc_trim(0);
      after_last_bytes = ResidentHeapBytes();
    }
    seen_before = seen && !seen_before;
  }
}

}  // namespace tributary
