#ifndef TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_
#define TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tributary {

struct Series {
  std::string name;
  // Of SeriesColors: a name has the same one in all charts.
  std::string color;
  // Ascending by x; finite.
  std::vector<std::pair<double, double>> points = {};
  // The x at which the line is ringed; none if it is negative.
  double mark_x = -1;
};

struct Axes {
  std::string x_label;
  std::string y_label;
  // The values at which x is labelled; empty: at round numbers.
  std::vector<double> x_ticks = {};
  // Draws x on a logarithmic scale; x > 0 then.
  bool log_x = false;
  // Begins the y axis at 0.
  bool y_from_zero = false;
};

// Draws lines with axes, a legend and a tooltip for each point.
// REQUIRES: at least one series has a point.
std::string LineChart(const Axes& axes, const std::vector<Series>& series);

// Draws a histogram: the bin from edges[i] to edges[i + 1] has counts[i]. x is
// logarithmic. REQUIRES: edges ascend and are above 0; edges.size() is
// counts.size() + 1.
std::string Histogram(const Axes& axes, const std::vector<double>& edges,
                      const std::vector<double>& counts);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_LINE_CHART_H_
