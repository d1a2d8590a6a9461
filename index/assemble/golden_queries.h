#ifndef TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_
#define TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/train/trainer.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Up to n queries, end to end, like those that the space will be searched with:
// an even sample of space.queries if it has any, else of the users' vectors,
// else of the items'.
std::vector<float> SampleQueries(const TrainedSpace& space, size_t n);

// Replaces the query's answer with the exact one among `items`.
void AnswerGoldenQuery(const TrainedVectors& items, v1::GoldenQuery* golden);

// Appends a few queries with their exact answers.
void AddGoldenQueries(const TrainedSpace& space, v1::Manifest* manifest);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_GOLDEN_QUERIES_H_
