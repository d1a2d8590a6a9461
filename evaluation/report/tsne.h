#ifndef TRIBUTARY_EVALUATION_REPORT_TSNE_H_
#define TRIBUTARY_EVALUATION_REPORT_TSNE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/report/principal_plane.h"

namespace tributary {

// Vectors, [n, dim] in C order, on a plane where neighbours stay neighbours:
// exact t-SNE (van der Maaten and Hinton 2008), begun at the principal plane
// (Kobak and Berens 2019) with perplexity 30, or n / 4 if that is less.
// Quadratic in n. Deterministic, whatever the number of threads.
std::vector<Point> EmbedByTsne(std::span<const float> vectors, size_t dim,
                               uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_TSNE_H_
