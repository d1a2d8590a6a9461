#include "evaluation/report/markup.h"

#include <cmath>

#include "fmt/format.h"

namespace tributary {

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          escaped += "\xEF\xBF\xBD";
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string NumberText(double value) {
  if (!std::isfinite(value)) return "–";
  if (std::abs(value) >= 1000) return fmt::format("{:.0f}", value);
  if (std::abs(value) >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.4f}", value);
}

std::string TableMarkup(std::string_view title,
                        const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows) {
  std::string table = "<div class=scroll><table><thead><tr>";
  for (const std::string& cell : header) {
    table += fmt::format("<th>{}</th>", Escape(cell));
  }
  table += "</tr></thead><tbody>";
  for (const auto& row : rows) {
    table += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      table += i == 0 ? "<th scope=row>" : "<td>";
      table += Escape(row[i]);
      table += i == 0 ? "</th>" : "</td>";
    }
    table += "</tr>";
  }
  table += "</tbody></table></div>\n";
  if (header.size() * rows.size() <= kMaxOpenCells) return table;
  return fmt::format("<details><summary>{} ({} rows)</summary>{}</details>\n",
                     Escape(title), rows.size(), table);
}

std::string FigureMarkup(std::string_view id, std::string_view caption,
                         std::string_view body) {
  return fmt::format("<figure id={}>{}<figcaption>{}</figcaption></figure>\n",
                     id, body, Escape(caption));
}

std::string LegendMarkup(const std::vector<LegendEntry>& entries) {
  std::string legend = "<ul class=legend>";
  for (const auto& [name, color] : entries) {
    legend += fmt::format("<li><i class='{}'></i>{}</li>", color, Escape(name));
  }
  return legend + "</ul>";
}

}  // namespace tributary
