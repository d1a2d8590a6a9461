#ifndef TRIBUTARY_SERVER_GATE_REACH_H_
#define TRIBUTARY_SERVER_GATE_REACH_H_

#include <span>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "server/gate/source_lists.h"

namespace tributary {

struct ReachMeasurement {
  // The share of the catalogue that no source says it can propose. An upper
  // bound of the unreachable items when `silent_sources` is not empty, and the
  // exact share otherwise. 0 for an empty catalogue.
  double unreachable = 0;
  // The sources that cannot say which items they can propose. Empty when the
  // others reach every item.
  std::vector<std::string> silent_sources;
};

// Asks every source which items it can propose, until every item is reached.
ReachMeasurement MeasureReach(const Bundle& bundle,
                              std::span<const AskedSource> sources);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_REACH_H_
