#ifndef TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_
#define TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/train/trainer.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Up to n queries, end to end, as the space will see them: vectors of users
// evenly from all of them or, where there are none, of items; or some of
// space.queries, if there are any.
std::vector<float> SampleQueries(const TrainedSpace& space, size_t n);

// Replaces the query's answer by the exact one among `items`.
void AnswerGoldenQuery(const TrainedVectors& items, v1::GoldenQuery* golden);

// Appends a few queries with their exact answers.
void AddGoldenQueries(const TrainedSpace& space, v1::Manifest* manifest);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_
