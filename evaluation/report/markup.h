// An evaluation as one self-contained HTML page with SVG plots. This folder
// may depend on server/evaluation and index/; it asks nothing of the network.
#ifndef TRIBUTARY_EVALUATION_REPORT_MARKUP_H_
#define TRIBUTARY_EVALUATION_REPORT_MARKUP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

// Text for HTML and SVG, in attributes too: what could be markup is escaped,
// and control characters become U+FFFD.
std::string Escape(std::string_view text);

// A number for people: four decimals, fewer when it is large; "–" unless it is
// finite.
std::string NumberText(double value);

// A table; the first column is of names. Cells are text and are escaped here.
std::string TableMarkup(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows);

// A figure with a caption. `body` is markup; `id` is a word.
std::string FigureMarkup(std::string_view id, std::string_view caption,
                         std::string_view body);

// Names with their colours, of the CSS classes c0 to c7.
struct LegendEntry {
  std::string name;
  size_t color;
};
std::string LegendMarkup(const std::vector<LegendEntry>& entries);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_MARKUP_H_
