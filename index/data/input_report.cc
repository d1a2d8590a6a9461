#include "index/data/input_report.h"

#include <algorithm>

#include "fmt/format.h"

namespace tributary {
void SayColumns(const std::vector<ColumnFact>& columns, InputReport* report) {
  size_t name_width = 0;
  size_t is_width = 0;
  for (const ColumnFact& column : columns) {
    name_width = std::max(name_width, Printable(column.name).size());
    is_width = std::max(is_width, column.is.size());
  }
  for (const ColumnFact& column : columns) {
    std::string line =
        fmt::format("  {:{}}  {:{}}  {}", Printable(column.name), name_width,
                    column.is, is_width, column.example);
    if (!column.note.empty()) line += fmt::format("  ({})", column.note);
    line.resize(line.find_last_not_of(' ') + 1);
    report->Say(std::move(line));
  }
}

}  // namespace tributary
