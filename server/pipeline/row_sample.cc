#include "server/pipeline/row_sample.h"

#include <algorithm>

namespace tributary {
namespace {

// How many rows, from each sampled one on, are tried for a key that the other
// table has. Without this limit, tables with few common keys would be searched
// as a whole.
constexpr uint64_t kMaxSteps = 1000;

}  // namespace

std::vector<Row> SampleRows(const KeyTable& keys, const KeyTable* others,
                            uint32_t n) {
  std::vector<Row> sample;
  const uint64_t size = keys.size();
  const uint64_t count = std::min<uint64_t>(n, size);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = i * size / count;
    const uint64_t end = std::min((i + 1) * size / count, begin + kMaxSteps);
    for (uint64_t row = begin; row < end; ++row) {
      const Row key = static_cast<Row>(row);
      if (others != nullptr && others->Find(keys.text(key)) == kNoRow) {
        continue;
      }
      sample.push_back(key);
      break;
    }
  }
  return sample;
}

}  // namespace tributary
