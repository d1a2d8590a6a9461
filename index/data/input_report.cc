#include "index/data/input_report.h"

#include <algorithm>

#include "fmt/format.h"
#include "index/data/utf8.h"

namespace tributary {
namespace {

constexpr size_t kExampleCharacters = 40;

}  // namespace

std::string QuoteExample(std::string_view text) {
  const std::string utf8 = ToUtf8(text);
  std::string quoted = "\"";
  size_t characters = 0;
  for (size_t i = 0; i < utf8.size(); ++characters) {
    if (characters == kExampleCharacters) return quoted + "...\"";
    const size_t length = std::max<size_t>(Utf8SequenceAt(utf8, i), 1);
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte == '\n') {
      quoted += "\\n";
    } else if (byte == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += utf8.substr(i, length);
    }
    i += length;
  }
  return quoted + '"';
}

void SayColumns(const std::vector<ColumnFact>& columns, InputReport* report) {
  size_t name_width = 0;
  size_t is_width = 0;
  for (const ColumnFact& column : columns) {
    name_width = std::max(name_width, column.name.size());
    is_width = std::max(is_width, column.is.size());
  }
  for (const ColumnFact& column : columns) {
    std::string line =
        fmt::format("  {:{}}  {:{}}  {}", column.name, name_width, column.is,
                    is_width, column.example);
    if (!column.note.empty()) line += fmt::format("  ({})", column.note);
    line.resize(line.find_last_not_of(' ') + 1);
    report->Say(std::move(line));
  }
}

}  // namespace tributary
