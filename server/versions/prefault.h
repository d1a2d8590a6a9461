#ifndef TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_
#define TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"

namespace tributary {

enum class PrefaultBy {
  kKernel,  // MADV_POPULATE_READ, since Linux 5.14
  kTouch,   // Reads a byte of every page through /proc/self/mem.
};

// Faults in all pages of the files under `dir` that this process has mapped, so
// that requests take no page faults there. Pages that are not in the page cache
// are read from disk. Works in steps of 4 MiB, between which the page faults of
// requests get the lock on the address space. Falls back to kTouch on kernels
// without MADV_POPULATE_READ. Returns the size of the mappings in bytes.
// Mappings may come and go meanwhile. Thread-safe.
//
// Errors: those of reading /proc/self; DATA_LOSS when reading the disk fails.
absl::StatusOr<uint64_t> Prefault(const std::filesystem::path& dir,
                                  PrefaultBy by = PrefaultBy::kKernel);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_
