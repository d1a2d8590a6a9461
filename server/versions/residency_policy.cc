#include "server/versions/residency_policy.h"

#include <algorithm>

namespace tributary {

uint64_t BytesForBundles(const ProcessMemory& memory, uint64_t resident_bytes) {
  const MemoryNumbers& container = memory.container;
  const uint64_t left = std::min(container.available, container.total);
  const uint64_t of_container = resident_bytes < container.total - left
                                    ? left + resident_bytes
                                    : container.total;
  return std::min(memory.machine.available, of_container);
}

ResidencyDecision DecideResidency(const ResidencyView& view) {
  std::map<uint64_t, uint64_t> sizes = view.resident;
  if (view.incoming != 0) sizes[view.incoming] = view.incoming_bytes;
  std::set<uint64_t> stay;
  uint64_t used = 0;
  const auto take = [&](uint64_t version) {
    const auto size = sizes.find(version);
    if (size == sizes.end() || !stay.insert(version).second) return;
    used += size->second;
  };
  take(view.active);
  take(view.incoming);
  for (const uint64_t version : view.labelled) take(version);

  ResidencyDecision decision;
  decision.needed_bytes = used;
  decision.fits = used <= view.max_bytes;
  const auto take_if_it_fits = [&](uint64_t version) {
    const auto size = sizes.find(version);
    const bool fits = size != sizes.end() && used <= view.max_bytes &&
                      size->second <= view.max_bytes - used;
    if (fits) take(version);
  };
  const size_t kept = std::min<size_t>(view.keep, view.served.size());
  for (size_t i = 0; i < kept; ++i) take_if_it_fits(view.served[i]);
  const size_t staged_limit = view.incoming == 0 ? kMaxStaged : kMaxStaged - 1;
  const size_t staged = std::min(staged_limit, view.staged.size());
  for (size_t i = 0; i < staged; ++i) {
    take_if_it_fits(view.staged[view.staged.size() - 1 - i]);
  }
  for (const auto& [version, bytes] : view.resident) {
    if (!stay.contains(version)) decision.unload.push_back(version);
  }
  return decision;
}

}  // namespace tributary
