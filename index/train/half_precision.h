#ifndef TRIBUTARY_INDEX_TRAIN_HALF_PRECISION_H_
#define TRIBUTARY_INDEX_TRAIN_HALF_PRECISION_H_

#include <span>
#include <vector>

#include "index/bundle/npy.h"

namespace tributary {

// Rounds values to IEEE 754 binary16, ties to even. Returns false and changes
// nothing when a value is beyond its range.
bool RoundToHalf(std::vector<float>* values);

// REQUIRES: every value is representable in binary16.
std::vector<Half> ToHalves(std::span<const float> values);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HALF_PRECISION_H_
