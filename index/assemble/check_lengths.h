#ifndef TRIBUTARY_INDEX_ASSEMBLE_CHECK_LENGTHS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_CHECK_LENGTHS_H_

#include "absl/status/status.h"
#include "index/data/data_set.h"

namespace tributary {

// The longest vector that can be searched. Sums of the squares of hundreds of
// millions of such vectors are still floats.
inline constexpr double kLongestVector = 1e15;

// Checks the lengths of the vectors that came with the data. INVALID_ARGUMENT,
// naming the space's file and the item or user, for one that is longer than
// kLongestVector: its scores would overflow.
absl::Status CheckLengths(const DataSet& data, const GivenSpace& space);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_CHECK_LENGTHS_H_
