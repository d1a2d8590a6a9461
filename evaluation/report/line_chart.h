#ifndef TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_
#define TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tributary {

struct Series {
  std::string name;
  // Of the CSS classes c0 to c7: a name has one in all charts.
  size_t color = 0;
  // By x, ascending; finite.
  std::vector<std::pair<double, double>> points = {};
  // A place on the x axis that is marked on the line; none if it is negative.
  double mark_x = -1;
};

struct Axes {
  std::string x_label;
  std::string y_label;
  // Where x is labelled; empty: at round numbers.
  std::vector<double> x_ticks = {};
  // x > 0 on a logarithmic scale.
  bool log_x = false;
  // y begins at 0.
  bool y_from_zero = false;
};

// Lines with axes, a legend and a tooltip for each point.
// REQUIRES: some series has a point.
std::string LineChart(const Axes& axes, const std::vector<Series>& series);

// Bars over bins: edges[i] to edges[i + 1] has counts[i]. x is logarithmic.
// REQUIRES: edges ascending and above 0; one more of them than counts.
std::string Histogram(const Axes& axes, const std::vector<double>& edges,
                      const std::vector<double>& counts);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_
