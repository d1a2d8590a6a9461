// Query vectors of any length that float32 has.
#ifndef TRIBUTARY_SERVER_RETRIEVAL_QUERY_VECTOR_H_
#define TRIBUTARY_SERVER_RETRIEVAL_QUERY_VECTOR_H_

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// INVALID_ARGUMENT for a vector that nothing can be searched by: one with a
// value that is not finite, which the message names by its index, or one whose
// values are all 0. Callers add the field's path before the message.
absl::Status CheckQueryVector(std::span<const float> values);

// The vector's length, in double: squares of floats overflow, and vanish, in
// float.
double LengthOf(std::span<const float> vector);

// Makes the vector one that products do not overflow or vanish with, in place,
// which changes no order of scores: in a COSINE space its length becomes 1; in
// others, only if it is longer than kMaxMagnitude or shorter than its inverse.
// Returns what RestoreScores needs, or 0 for a vector that CheckQueryVector
// refuses.
double ScaleForSearch(v1::Metric metric, std::span<float> vector);

// Multiplies the scores of a search with a scaled vector by `factor`, and makes
// them finite: a score beyond the range of float becomes the end of the range,
// in the place that it had, and an item whose score is NaN is dropped. Looks at
// the first and the last score only, unless the factor is not 1 or one of these
// is not finite. REQUIRES: *hits is best first.
void RestoreScores(double factor, std::vector<ScoredRow>* hits);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_QUERY_VECTOR_H_
