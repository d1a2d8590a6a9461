#ifndef TRIBUTARY_INDEX_DATA_SPREAD_EVENLY_H_
#define TRIBUTARY_INDEX_DATA_SPREAD_EVENLY_H_

#include <cstdint>
#include <vector>

namespace tributary {

// Up to n indices of [0, available), ascending and evenly spaced: all of them
// when n >= available, else the middle of each of n equal parts.
std::vector<uint64_t> SpreadEvenly(uint64_t n, uint64_t available);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_SPREAD_EVENLY_H_
