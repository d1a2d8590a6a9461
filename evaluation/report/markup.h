// The HTML and SVG that a report is made of. A report is one self-contained
// page that asks nothing of the network.
#ifndef TRIBUTARY_EVALUATION_REPORT_MARKUP_H_
#define TRIBUTARY_EVALUATION_REPORT_MARKUP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

// Escapes text for HTML and SVG, in attributes too. Control characters become
// U+FFFD.
std::string Escape(std::string_view text);

// Formats a number: four decimals, fewer when it is large; "–" unless it is
// finite.
std::string NumberText(double value);

// Writes a table whose first column has names. Escapes the title and the cells,
// which are text. A table of more than kMaxOpenCells cells is folded up behind
// its title.
inline constexpr size_t kMaxOpenCells = 48;
std::string TableMarkup(std::string_view title,
                        const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows);

// Writes a figure with a caption. `body` is markup; `id` is one word.
std::string FigureMarkup(std::string_view id, std::string_view caption,
                         std::string_view body);

// Writes a legend: names with the CSS classes of their colours.
struct LegendEntry {
  std::string name;
  std::string color;
};
std::string LegendMarkup(const std::vector<LegendEntry>& entries);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_MARKUP_H_
