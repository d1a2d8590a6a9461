#include "index/data/spread_evenly.h"

#include <algorithm>

namespace tributary {

std::vector<uint64_t> SpreadEvenly(uint64_t n, uint64_t available) {
  std::vector<uint64_t> indices;
  for (uint64_t i = 0; i < std::min(n, available); ++i) {
    indices.push_back(n < available ? (2 * i + 1) * available / (2 * n) : i);
  }
  return indices;
}

}  // namespace tributary
