#ifndef TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_
#define TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "server/process/memory.h"

namespace tributary {

// Versions that wait in memory for somebody to activate or to label them, the
// incoming one among them.
inline constexpr size_t kMaxStaged = 2;

// What all bundles together may take, when those in memory have
// `resident_bytes`: of the machine what is free or file pages, theirs among
// them; of the container, which counts pages in use as taken, what is left and
// theirs.
uint64_t BytesForBundles(const ProcessMemory& memory, uint64_t resident_bytes);

// What is in memory, and what it is there for.
struct ResidencyView {
  // Bytes by version.
  std::map<uint64_t, uint64_t> resident;
  // 0: none.
  uint64_t active = 0;
  // Versions that served before, the last one first.
  std::vector<uint64_t> served;
  std::set<uint64_t> labelled;
  // Versions that were staged, or rolled back from, and not activated since;
  // the last one last.
  std::vector<uint64_t> staged;
  // About to become resident; 0: none.
  uint64_t incoming = 0;
  uint64_t incoming_bytes = 0;
  // Of `served`, how many stay.
  uint32_t keep = 1;
  // Of all resident versions together.
  uint64_t max_bytes = 0;
};

struct ResidencyDecision {
  // Ascending.
  std::vector<uint64_t> unload;
  // Of the versions that cannot go: the active, labelled and incoming ones.
  uint64_t needed_bytes = 0;
  // That they are no more than max_bytes.
  bool fits = true;
};

// Which versions stay: the active, the labelled and the incoming one in any
// case; then, as far as max_bytes goes, the `keep` that served last, the last
// one first; then at most kMaxStaged of the staged ones, the last one first.
// One that is too large for what is left goes, and a smaller one after it may
// stay. What is in none of these goes.
ResidencyDecision DecideResidency(const ResidencyView& view);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_RESIDENCY_POLICY_H_
