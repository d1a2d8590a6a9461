#ifndef TRIBUTARY_EVALUATION_REPORT_SCATTER_H_
#define TRIBUTARY_EVALUATION_REPORT_SCATTER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/report/principal_plane.h"

namespace tributary {

// Draws points of a plane, coloured by group, each with its name as a tooltip.
// REQUIRES: spans of equal sizes.
std::string ScatterPlot(std::span<const Point> points,
                        std::span<const uint8_t> groups,
                        std::span<const std::string> names,
                        const std::string& x_label, const std::string& y_label);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_SCATTER_H_
