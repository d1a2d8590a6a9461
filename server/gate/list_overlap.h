#ifndef TRIBUTARY_SERVER_GATE_LIST_OVERLAP_H_
#define TRIBUTARY_SERVER_GATE_LIST_OVERLAP_H_

#include <optional>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "server/gate/gate.h"

namespace tributary {

// Compares the lists that a source of two bundles has for the same queries.
// Items are matched by key. Queries that neither bundle answered are ignored;
// absent when no other query remains.
std::optional<OverlapMeasurement> MeasureOverlap(
    std::string source, const Bundle& old_bundle,
    const std::vector<std::vector<Row>>& old_lists, const Bundle& new_bundle,
    const std::vector<std::vector<Row>>& new_lists);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_LIST_OVERLAP_H_
