#include "evaluation/report/scatter.h"

#include <algorithm>

#include "evaluation/report/markup.h"
#include "fmt/format.h"

namespace tributary {
namespace {

constexpr double kSize = 440;
constexpr double kMargin = 24;

// Maps the values of an axis to the plot's pixels.
class Scale {
 public:
  Scale(std::span<const Point> points, size_t axis) : axis_(axis) {
    for (const Point& point : points) {
      low_ = std::min(low_, point[axis]);
      high_ = std::max(high_, point[axis]);
    }
  }
  double At(const Point& point) const {
    const double width = std::max(high_ - low_, 1e-12);
    return kMargin + (point[axis_] - low_) / width * (kSize - 2 * kMargin);
  }

 private:
  const size_t axis_;
  double low_ = 0;
  double high_ = 0;
};

}  // namespace

std::string ScatterPlot(std::span<const Point> points,
                        std::span<const uint8_t> groups,
                        std::span<const std::string> names,
                        const std::string& x_label,
                        const std::string& y_label) {
  const Scale x(points, 0);
  const Scale y(points, 1);
  std::string svg = fmt::format(
      "<svg class=map viewBox='0 0 {} {}' role=img>"
      "<rect class=frame x=1 y=1 width={} height={} />"
      "<text class=label text-anchor=middle x={} y={}>{}</text>"
      "<text class=label text-anchor=middle transform='translate(14 {}) "
      "rotate(-90)'>{}</text>",
      kSize, kSize, kSize - 2, kSize - 2, kSize / 2, kSize - 7, Escape(x_label),
      kSize / 2, Escape(y_label));
  for (size_t i = 0; i < points.size(); ++i) {
    svg += fmt::format(
        "<circle class='point g{}' cx={:.1f} cy={:.1f} r=2.6><title>{}</title>"
        "</circle>",
        groups[i] % 8, x.At(points[i]), kSize - y.At(points[i]),
        Escape(names[i]));
  }
  return svg + "</svg>";
}

}  // namespace tributary
