#ifndef TRIBUTARY_SERVER_GATE_REACH_H_
#define TRIBUTARY_SERVER_GATE_REACH_H_

#include "index/bundle/bundle.h"

namespace tributary {

// Share of the items that no source can propose: without a vector in any space
// that is searched, in no list and no item's neighbour. 0 where a source is of
// a kind that is not built in. Reads no more tables than it takes to reach
// every item.
double UnreachableShare(const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_REACH_H_
