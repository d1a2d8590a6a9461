#include "evaluation/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evaluation/report/markup.h"
#include "fmt/format.h"

namespace tributary {
namespace {

constexpr double kWidth = 560, kHeight = 320;
constexpr double kLeft = 58, kRight = 14, kTop = 12, kBottom = 46;

// About five round numbers from `low` to `high`.
std::vector<double> RoundTicks(double low, double high) {
  const double raw = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= raw) break;
  }
  std::vector<double> ticks;
  // Multiplied instead of added up, so that 0 is exactly 0, and not -0.
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9;
       ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);
  }
  return ticks;
}

// Maps data to pixels.
class Plane {
 public:
  Plane(double x_low, double x_high, double y_low, double y_high, bool log_x)
      : log_x_(log_x),
        x_low_(Scale(x_low)),
        x_high_(Scale(x_high)),
        y_low_(y_low),
        y_high_(y_high) {
    if (x_high_ <= x_low_) {
      x_low_ -= .5;
      x_high_ += .5;
    }
    if (y_high_ <= y_low_) y_high_ = y_low_ + std::max(1e-6, std::abs(y_low_));
  }

  double X(double x) const {
    return kLeft +
           (Scale(x) - x_low_) / (x_high_ - x_low_) * (kWidth - kLeft - kRight);
  }
  double Y(double y) const {
    return kHeight - kBottom -
           (y - y_low_) / (y_high_ - y_low_) * (kHeight - kTop - kBottom);
  }
  std::vector<double> YTicks() const { return RoundTicks(y_low_, y_high_); }
  std::vector<double> XTicks() const { return RoundTicks(x_low_, x_high_); }

 private:
  double Scale(double x) const { return log_x_ ? std::log(x) : x; }

  const bool log_x_;
  double x_low_, x_high_, y_low_, y_high_;
};

std::string Open() {
  return fmt::format("<svg viewBox='0 0 {} {}' role=img>", kWidth, kHeight);
}

std::string Grid(const Axes& axes, const Plane& plane,
                 const std::vector<double>& x_ticks) {
  std::string svg;
  for (const double y : plane.YTicks()) {
    svg += fmt::format(
        "<line class=grid x1={} x2={} y1={:.1f} y2={:.1f} />"
        "<text class=tick text-anchor=end x={} y={:.1f}>{:g}</text>",
        kLeft, kWidth - kRight, plane.Y(y), plane.Y(y), kLeft - 8,
        plane.Y(y) + 4, y);
  }
  for (const double x : x_ticks) {
    svg += fmt::format(
        "<text class=tick text-anchor=middle x={:.1f} y={}>{:g}</text>",
        plane.X(x), kHeight - kBottom + 18, x);
  }
  return svg +
         fmt::format(
             "<line class=axis x1={} x2={} y1={} y2={} />"
             "<text class=label text-anchor=middle x={:.1f} y={}>{}</text>"
             "<text class=label text-anchor=middle transform='translate(14 "
             "{:.1f}) rotate(-90)'>{}</text>",
             kLeft, kWidth - kRight, kHeight - kBottom, kHeight - kBottom,
             (kLeft + kWidth - kRight) / 2, kHeight - 6, Escape(axes.x_label),
             (kTop + kHeight - kBottom) / 2, Escape(axes.y_label));
}

std::string Line(const Axes& axes, const Plane& plane, const Series& series) {
  std::string path;
  std::string dots;
  for (const auto& [x, y] : series.points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', plane.X(x),
                        plane.Y(y));
    const bool marked =
        series.mark_x >= 0 && std::abs(x - series.mark_x) < 1e-9;
    dots += fmt::format(
        "<circle class='dot{}' cx={:.1f} cy={:.1f} r={}><title>{}\n{} {:g}: "
        "{}</title></circle>",
        marked ? " mark" : "", plane.X(x), plane.Y(y), marked ? 5 : 3.2,
        Escape(series.name), Escape(axes.x_label), x, NumberText(y));
  }
  return fmt::format("<g class='series {}'><path class=line d='{}' />{}</g>",
                     series.color, path, dots);
}

}  // namespace

std::string LineChart(const Axes& axes, const std::vector<Series>& series) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double x_low = kInfinity, x_high = -kInfinity;
  double y_low = axes.y_from_zero ? 0 : kInfinity, y_high = -kInfinity;
  std::vector<LegendEntry> legend;
  for (const Series& one : series) {
    legend.push_back({one.name, one.color});
    for (const auto& [x, y] : one.points) {
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = std::min(y_low, y);
      y_high = std::max(y_high, y);
    }
  }
  // Leaves room above the highest line, and below the lowest unless y begins at
  // 0.
  const double margin = (y_high - y_low) * .05;
  const Plane plane(x_low, x_high, axes.y_from_zero ? 0 : y_low - margin,
                    y_high + margin, axes.log_x);
  std::string svg =
      Open() +
      Grid(axes, plane, axes.x_ticks.empty() ? plane.XTicks() : axes.x_ticks);
  // The first series is drawn last, over the others.
  for (size_t i = series.size(); i-- > 0;) {
    svg += Line(axes, plane, series[i]);
  }
  return svg + "</svg>" + LegendMarkup(legend);
}

std::string Histogram(const Axes& axes, const std::vector<double>& edges,
                      const std::vector<double>& counts) {
  const double highest = *std::max_element(counts.begin(), counts.end());
  const Plane plane(edges.front(), edges.back(), 0, highest * 1.05, true);
  std::string svg = Open() + Grid(axes, plane, axes.x_ticks);
  svg += "<g class='series c0'>";
  for (size_t i = 0; i < counts.size(); ++i) {
    const double x = plane.X(edges[i]);
    svg += fmt::format(
        "<rect class=bar x={:.1f} y={:.1f} width={:.1f} height={:.1f}>"
        "<title>{} to {} ms: {:g}</title></rect>",
        x + .5, plane.Y(counts[i]), std::max(.5, plane.X(edges[i + 1]) - x - 1),
        plane.Y(0) - plane.Y(counts[i]), NumberText(edges[i]),
        NumberText(edges[i + 1]), counts[i]);
  }
  return svg + "</g></svg>";
}

}  // namespace tributary
