#include "server/gate/reach.h"

#include "server/retrieval/reachable_items.h"

namespace tributary {

ReachMeasurement MeasureReach(const Bundle& bundle,
                              std::span<const AskedSource> sources) {
  ReachMeasurement measured;
  ReachableItems items(bundle.items().size());
  for (const AskedSource& source : sources) {
    if (items.unreachable() == 0) return {};
    if (!source.retriever->AddReachable(&items)) {
      measured.silent_sources.push_back(source.spec->name());
    }
  }
  if (items.unreachable() == 0) return {};
  measured.unreachable = static_cast<double>(items.unreachable()) /
                         static_cast<double>(items.items());
  return measured;
}

}  // namespace tributary
