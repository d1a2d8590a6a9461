#ifndef TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_
#define TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "server/process/memory.h"

namespace tributary {

// How many versions may wait in memory to be activated or labelled, the
// incoming one included.
inline constexpr size_t kMaxStaged = 2;

// The bytes that all bundles together may use, given that the resident ones use
// `resident_bytes` now:
//   min(machine.available, container.available + resident_bytes).
// Bundles are mapped files. The machine counts their pages as available, since
// it could drop them. A container counts pages that are in use as used, so the
// resident bundles' own bytes are added back, up to container.total.
uint64_t BytesForBundles(const ProcessMemory& memory, uint64_t resident_bytes);

// The resident versions and the reasons to keep each of them.
struct ResidencyView {
  // Size in bytes by version.
  std::map<uint64_t, uint64_t> resident;
  // The active version; 0 for none.
  uint64_t active = 0;
  // Versions that were active before, latest first.
  std::vector<uint64_t> served;
  std::set<uint64_t> labelled;
  // Versions that were staged or rolled back from and have not been activated
  // since, latest last.
  std::vector<uint64_t> staged;
  // A version that is about to become resident, and its size; 0 for none.
  uint64_t incoming = 0;
  uint64_t incoming_bytes = 0;
  // How many versions of `served` to keep for rollbacks.
  uint32_t keep = 1;
  // Limit on the sum of all resident versions' bytes.
  uint64_t max_bytes = 0;
};

struct ResidencyDecision {
  // The versions to unload, ascending.
  std::vector<uint64_t> unload;
  // Size of the versions that must stay: active, labelled and incoming.
  uint64_t needed_bytes = 0;
  // Whether needed_bytes <= max_bytes.
  bool fits = true;
};

// Decides which versions stay. The active, labelled and incoming versions
// always stay. The rest of max_bytes is filled greedily, first with the first
// `keep` versions of `served`, then with the latest staged ones, at most
// kMaxStaged including the incoming version. A version that exceeds the
// remaining bytes is skipped, and smaller ones after it may still stay. All
// others are unloaded.
ResidencyDecision DecideResidency(const ResidencyView& view);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_
