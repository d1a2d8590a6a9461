#ifndef TRIBUTARY_EVALUATION_REPORT_PRINCIPAL_PLANE_H_
#define TRIBUTARY_EVALUATION_REPORT_PRINCIPAL_PLANE_H_

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace tributary {

using Point = std::array<double, 2>;

// Projects vectors, [n, dim] in C order, to the plane of their first two
// principal components (Pearson 1901), by power iteration. Deterministic.
struct PrincipalPlane {
  std::vector<Point> points;
  // The share of the variance along each axis.
  Point variance_share = {};
};
PrincipalPlane ProjectOnPlane(std::span<const float> vectors, size_t dim);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_PRINCIPAL_PLANE_H_
