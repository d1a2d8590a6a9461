#ifndef TRIBUTARY_EVALUATION_REPORT_TSNE_H_
#define TRIBUTARY_EVALUATION_REPORT_TSNE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/report/principal_plane.h"

namespace tributary {

// Maps vectors, [n, dim] in C order, to a plane in which near neighbours stay
// near: exact t-SNE (van der Maaten and Hinton 2008), initialised with the
// principal plane (Kobak and Berens 2019), with a perplexity of min(30, n / 4).
// Time is quadratic in n. Deterministic for any number of threads.
std::vector<Point> EmbedByTsne(std::span<const float> vectors, size_t dim,
                               uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_TSNE_H_
