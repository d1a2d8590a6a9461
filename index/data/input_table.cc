#include "index/data/input_table.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/input_files.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

std::string SeparatorName(const std::string& separator) {
  if (separator == "\t") return "tab";
  if (separator == ",") return "comma";
  if (separator == ";") return "semicolon";
  return separator;
}

DelimitedFile::Format FormatOf(TableForm form, const v1::Input& input) {
  DelimitedFile::Format format;
  format.encoding = input.has_encoding() ? input.encoding() : "auto";
  // RecBole's fields may begin with a quote that is part of a title.
  format.quoted = !form.typed_header;
  format.separator = input.has_separator() ? input.separator() : "auto";
  if (format.separator == "auto") format.separator.clear();
  if (format.separator == "tab") format.separator = "\t";
  return format;
}

bool HasType(std::string_view name) {
  const std::string_view type = name.substr(name.rfind(':') + 1);
  return type.size() < name.size() && (type == "token" || type == "token_seq" ||
                                       type == "float" || type == "float_seq");
}

// Splits RecBole's name:type.
absl::Status SplitTypes(const std::string& file,
                        const std::vector<std::string>& header,
                        std::vector<std::string>* names,
                        std::vector<std::string>* types) {
  for (const std::string& field : header) {
    const size_t colon = field.rfind(':');
    if (colon == std::string::npos) {
      return absl::NotFoundError(
          fmt::format("{}:1: no type behind column {}, expected name:token, "
                      "name:token_seq, name:float or name:float_seq",
                      file, field));
    }
    names->push_back(field.substr(0, colon));
    types->push_back(field.substr(colon + 1));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InputTable> InputTable::Open(
    std::span<const std::filesystem::path> files, TableForm form,
    const TableContext& context) {
  InputTable table;
  for (const std::filesystem::path& path : files) {
    ASSIGN_OR_RETURN(DelimitedFile file,
                     DelimitedFile::Open(path, FormatOf(form, *context.input),
                                         context.malformed));
    RETURN_IF_ERROR(file.ReadHeader());
    if (!table.files_.empty() &&
        file.header() != table.files_.front().header()) {
      return absl::InvalidArgumentError(fmt::format(
          "{} has the columns {}, but {} has {}: files of one table need the "
          "same header",
          file.name(), fmt::join(file.header(), ", "), table.name(),
          fmt::join(table.files_.front().header(), ", ")));
    }
    table.files_.push_back(std::move(file));
  }
  const std::vector<std::string>& header = table.files_.front().header();
  if (form.typed_header || std::ranges::all_of(header, HasType)) {
    RETURN_IF_ERROR(
        SplitTypes(table.name(), header, &table.names_, &table.types_));
  } else {
    table.names_ = header;
  }
  for (std::string& name : table.names_) name = ToUtf8(name);
  return table;
}

absl::StatusOr<InputTable> InputTable::OpenFile(
    const std::filesystem::path& path, MalformedLines* malformed) {
  const v1::Input input;
  const TableContext context{.input = &input,
                             .malformed = malformed,
                             .report = nullptr,
                             .now_s = 0,
                             .feature_columns = nullptr};
  return Open({&path, 1}, {.typed_header = IsRecBole(path)}, context);
}

absl::Status InputTable::ForEach(
    const std::function<std::string_view(const DelimitedFile&)>& record) {
  records_ = 0;
  for (DelimitedFile& file : files_) {
    if (read_) file.Rewind();
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, file.Next());
      if (!more) break;
      ++records_;
      const std::string_view problem = record(file);
      if (!problem.empty()) RETURN_IF_ERROR(file.Malformed(problem));
    }
  }
  read_ = true;
  return absl::OkStatus();
}

void InputTable::Describe(InputReport* report) const {
  std::vector<std::string> names;
  for (const DelimitedFile& file : files_) names.push_back(file.name());
  // Usually one; files of a table may be written in several ways.
  std::set<std::string> forms;
  for (const DelimitedFile& file : files_) {
    std::string form =
        fmt::format("{}, separated by {}", file.input().encoding(),
                    SeparatorName(file.separator()));
    if (!file.input().compression().empty()) {
      form += ", " + file.input().compression();
    }
    forms.insert(std::move(form));
  }
  report->Say(fmt::format("{}: {} records, {}", fmt::join(names, " + "),
                          records_, fmt::join(forms, "; ")));
}

}  // namespace tributary
