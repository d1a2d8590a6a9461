#ifndef TRIBUTARY_EVALUATION_REPORT_SERIES_COLORS_H_
#define TRIBUTARY_EVALUATION_REPORT_SERIES_COLORS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/evaluate.h"
#include "evaluation/rival.h"
#include "index/bundle/bundle.h"

namespace tributary {

// How many colours series have: the CSS classes c0 to c15. Series beyond them
// have the same colours again, dashed.
inline constexpr size_t kSeriesColors = 16;

// Gives each series of a report one colour, which it has in all charts: the
// fused list, the sources, the rivals, and spaces that no source is of.
class SeriesColors {
 public:
  SeriesColors(const Evaluation& evaluation, const Bundle& bundle,
               std::span<const Rival> rivals);

  // The CSS classes of a list or a rival. REQUIRES: the report has it.
  std::string Of(std::string_view name) const;
  // Those of the source that searches the space, or of the space itself.
  std::string OfSpace(std::string_view space) const;

 private:
  std::string ClassOf(size_t index) const;

  // In the order of their colours.
  std::vector<std::string> names_;
  // Names of spaces and the names of their series.
  std::vector<std::pair<std::string, std::string>> spaces_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_SERIES_COLORS_H_
