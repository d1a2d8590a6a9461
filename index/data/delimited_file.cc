#include "index/data/delimited_file.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {

absl::StatusOr<DelimitedFile> DelimitedFile::Open(
    const std::filesystem::path& path, Format format,
    MalformedLines* malformed) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  return DelimitedFile(std::move(file), path.string(), std::move(format),
                       malformed);
}

DelimitedFile::DelimitedFile(MappedFile file, std::string name, Format format,
                             MalformedLines* malformed)
    : file_(std::move(file)),
      name_(std::move(name)),
      format_(std::move(format)),
      malformed_(malformed) {
  text_ = {reinterpret_cast<const char*>(file_.bytes().data()),
           file_.bytes().size()};
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") next_ = 3;
}

absl::Status DelimitedFile::ReadHeader() {
  ASSIGN_OR_RETURN(const bool found, Next());
  if (!found) {
    return absl::NotFoundError(
        fmt::format("{}: empty, expected a header with column names", name_));
  }
  header_.assign(fields_.begin(),
                 fields_.begin() + static_cast<ptrdiff_t>(size_));
  return absl::OkStatus();
}

std::optional<size_t> DelimitedFile::FindColumn(
    std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found != header_.end()) return found - header_.begin();
  }
  return std::nullopt;
}

absl::StatusOr<size_t> DelimitedFile::NeedColumn(
    std::initializer_list<std::string_view> names) const {
  if (const std::optional<size_t> column = FindColumn(names)) return *column;
  return absl::NotFoundError(fmt::format("{}: no column named {} in the header",
                                         name_, fmt::join(names, " or ")));
}

absl::StatusOr<bool> DelimitedFile::Next() {
  for (std::string_view problem; ReadRecord(&problem); problem = {}) {
    if (!problem.empty()) {
      RETURN_IF_ERROR(Malformed(problem));
      continue;
    }
    const bool wrong =
        header_.empty() ? size_ < min_fields_ : size_ != header_.size();
    if (!wrong) return true;
    RETURN_IF_ERROR(
        Malformed(fmt::format("{} fields, expected {}", size_,
                              header_.empty() ? min_fields_ : header_.size())));
  }
  return false;
}

absl::Status DelimitedFile::Malformed(std::string_view reason) {
  return malformed_->Add(name_, line_, reason);
}

// Reads the next record, malformed or not. False at the end of the file.
bool DelimitedFile::ReadRecord(std::string_view* problem) {
  while (next_ < text_.size()) {
    const std::string_view line = LineAt(next_);
    line_ = next_line_;
    size_ = 0;
    if (!Trim(line).empty()) {
      if (format_.quoted && line.find('"') != std::string_view::npos) {
        return ReadQuotedRecord(problem);
      }
      SplitLine(line);
    }
    next_ += line.size() + 1;
    ++next_line_;
    if (size_ > 0) return true;
  }
  return false;
}

void DelimitedFile::SplitLine(std::string_view line) {
  for (;;) {
    const size_t end = line.find(format_.separator);
    NewField() = Trim(line.substr(0, end));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + format_.separator.size());
  }
}

// A malformed record ends with its first line, so that a quote that is never
// closed does not swallow the rest of the file.
bool DelimitedFile::ReadQuotedRecord(std::string_view* problem) {
  const size_t begin = next_;
  size_t at = begin;
  while (ReadQuotedField(&at, &NewField(), problem)) {
    if (at < text_.size() && text_[at] != '\n') {
      at += format_.separator.size();
      continue;
    }
    next_line_ += std::count(text_.begin() + static_cast<ptrdiff_t>(begin),
                             text_.begin() + static_cast<ptrdiff_t>(at), '\n') +
                  1;
    next_ = at + 1;
    return true;
  }
  next_ = begin + LineAt(begin).size() + 1;
  ++next_line_;
  return true;
}

// Reads the field at *at and moves *at to the separator, line feed or end of
// file behind it.
bool DelimitedFile::ReadQuotedField(size_t* at, std::string* field,
                                    std::string_view* problem) {
  const std::string_view line = LineAt(*at);
  const size_t quote = line.find_first_not_of(" \t");
  if (quote == std::string_view::npos || line[quote] != '"') {
    const size_t end = std::min(line.find(format_.separator), line.size());
    *field = Trim(line.substr(0, end));
    *at += end;
    return true;
  }
  field->clear();
  for (size_t i = *at + quote + 1;;) {
    const size_t end = text_.find('"', i);
    if (end == std::string_view::npos) {
      *problem = "a quoted field is not closed";
      return false;
    }
    field->append(text_.substr(i, end - i));
    i = end + 1;
    if (i < text_.size() && text_[i] == '"') {
      field->push_back('"');
      ++i;
      continue;
    }
    while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\r')) ++i;
    *at = i;
    const bool ends = i == text_.size() || text_[i] == '\n' ||
                      text_.substr(i).starts_with(format_.separator);
    if (!ends) *problem = "text after a quoted field";
    return ends;
  }
}

std::string_view DelimitedFile::LineAt(size_t begin) const {
  return text_.substr(begin,
                      std::min(text_.find('\n', begin), text_.size()) - begin);
}

std::string& DelimitedFile::NewField() {
  if (size_ == fields_.size()) fields_.emplace_back();
  return fields_[size_++];
}

}  // namespace tributary
