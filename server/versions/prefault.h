#ifndef TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_
#define TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"

namespace tributary {

enum class PrefaultBy {
  kKernel,  // MADV_POPULATE_READ, since Linux 5.14
  kTouch,   // A byte of every page, through /proc/self/mem.
};

// Maps the pages of every file under `dir` that this process has mapped, so
// that no request takes the page fault: keys, vectors, codes, lists, tables,
// weights, whoever mapped them. Reads the disk where the page cache does not
// have them. In steps of a few megabytes, between which requests' own page
// faults get their turn. Returns the bytes it mapped. A kernel that does not
// know how has them touched. Safe beside mappings that come and go.
//
// Errors: of reading /proc/self; DATA_LOSS when the disk fails.
absl::StatusOr<uint64_t> Prefault(const std::filesystem::path& dir,
                                  PrefaultBy by = PrefaultBy::kKernel);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_PREFAULT_H_
