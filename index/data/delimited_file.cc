#include "index/data/delimited_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <utility>

#include "fmt/format.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A field that is longer has a quote that is never closed.
constexpr size_t kMaxQuotedBytes = size_t{1} << 20;
// Separators that are recognised; in case of doubt, an earlier one.
constexpr std::array<std::string_view, 5> kSeparators = {"\t", "::", ";", ",",
                                                         "|"};
constexpr size_t kLinesProbed = 50;

// How many times `separator` occurs outside quotes.
size_t CountOutsideQuotes(std::string_view line, std::string_view separator) {
  size_t count = 0;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') inside = !inside;
    if (inside || !line.substr(i).starts_with(separator)) continue;
    ++count;
    i += separator.size() - 1;
  }
  return count;
}

}  // namespace

absl::StatusOr<DelimitedFile> DelimitedFile::Open(
    const std::filesystem::path& path, Format format,
    MalformedLines* malformed) {
  ASSIGN_OR_RETURN(InputText input, InputText::Open(path, format.encoding));
  return DelimitedFile(std::move(input), path.string(), std::move(format),
                       malformed);
}

DelimitedFile::DelimitedFile(InputText input, std::string name, Format format,
                             MalformedLines* malformed)
    : input_(std::move(input)),
      name_(std::move(name)),
      format_(std::move(format)),
      malformed_(malformed),
      text_(input_.text()) {
  if (text_.find('\n') == std::string_view::npos) newline_ = '\r';
  ReadPreamble();
  if (format_.separator.empty()) RecogniseSeparator();
  first_ = next_;
  first_line_ = next_line_;
}

// Excel writes "sep=;" and reads it, quoted or not.
void DelimitedFile::ReadPreamble() {
  std::string_view line = LineAt(0);
  const size_t length = line.size();
  line = Trim(line);
  if (line.size() > 1 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.size() != 5 || std::tolower(line[0]) != 's' ||
      std::tolower(line[1]) != 'e' || std::tolower(line[2]) != 'p' ||
      line[3] != '=') {
    return;
  }
  if (format_.separator.empty() || format_.separator == ",") {
    format_.separator = line.substr(4);
  }
  next_ = std::min(length + 1, text_.size());
  next_line_ = 2;
}

// The header has every separator between its names, and the lines that follow
// have as many as the header.
void DelimitedFile::RecogniseSeparator() {
  std::vector<std::string_view> lines;
  for (size_t at = next_; at < text_.size() && lines.size() < kLinesProbed;) {
    const std::string_view line = LineAt(at);
    at += line.size() + 1;
    if (!Trim(line).empty()) lines.push_back(line);
  }
  format_.separator = ",";
  double best = 0;
  for (const std::string_view separator : kSeparators) {
    if (lines.empty()) return;
    const size_t in_header = CountOutsideQuotes(lines[0], separator);
    if (in_header == 0) continue;
    const auto alike =
        std::count_if(lines.begin(), lines.end(), [&](std::string_view line) {
          return CountOutsideQuotes(line, separator) == in_header;
        });
    const double score =
        static_cast<double>(alike) / static_cast<double>(lines.size());
    if (score <= best) continue;
    best = score;
    format_.separator = separator;
  }
}

absl::Status DelimitedFile::ReadHeader() {
  ASSIGN_OR_RETURN(const bool found, Next());
  if (!found) {
    return absl::NotFoundError(
        fmt::format("{}: empty, expected a header with column names", name_));
  }
  records_ = 0;
  for (size_t i = 0; i < size_; ++i) header_.emplace_back(field(i));
  first_ = next_;
  first_line_ = next_line_;
  return absl::OkStatus();
}

absl::StatusOr<bool> DelimitedFile::Next() {
  for (std::string problem; ReadRecord(&problem); problem.clear()) {
    ++records_;
    const bool wrong =
        header_.empty() ? size_ < min_fields_ : size_ != header_.size();
    if (problem.empty() && !wrong) return true;
    if (problem.empty()) {
      problem = fmt::format("{} fields, expected {}", size_,
                            header_.empty() ? min_fields_ : header_.size());
    }
    if (!rewound_) RETURN_IF_ERROR(Malformed(problem));
  }
  RETURN_IF_ERROR(malformed_->CheckShare(name_, records_));
  return false;
}

void DelimitedFile::Rewind() {
  next_ = first_;
  next_line_ = first_line_;
  records_ = 0;
  rewound_ = true;
}

std::string_view DelimitedFile::field(std::optional<size_t> column) const {
  if (!column) return {};
  const Field& field = fields_[*column];
  return field.quoted ? field.text : Trim(field.text);
}

absl::Status DelimitedFile::Malformed(std::string_view reason) {
  return malformed_->Add(name_, line_, reason);
}

// Reads the next record, malformed or not. False at the end of the file.
bool DelimitedFile::ReadRecord(std::string* problem) {
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
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (;;) {
    const size_t end = line.find(format_.separator);
    if (size_ == fields_.size()) fields_.emplace_back();
    fields_[size_++] = {line.substr(0, end), false};
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + format_.separator.size());
  }
}

// A malformed record ends with its first line, so that a quote that is never
// closed does not swallow the rest of the file.
bool DelimitedFile::ReadQuotedRecord(std::string* problem) {
  const size_t begin = next_;
  size_t at = begin;
  unescaped_.clear();
  while (ReadQuotedField(&at, problem)) {
    if (at < text_.size() && text_[at] != newline_) {
      at += format_.separator.size();
      continue;
    }
    next_line_ += LinesBetween(begin, at) + 1;
    next_ = at + 1;
    return true;
  }
  next_ = begin + LineAt(begin).size() + 1;
  ++next_line_;
  return true;
}

// Reads the field at *at and moves *at to the separator, line feed or end of
// file behind it.
bool DelimitedFile::ReadQuotedField(size_t* at, std::string* problem) {
  if (size_ == fields_.size()) fields_.emplace_back();
  Field& field = fields_[size_++];
  const std::string_view line = LineAt(*at);
  const size_t quote = line.find_first_not_of(" \t");
  if (quote == std::string_view::npos || line[quote] != '"') {
    const size_t end = std::min(line.find(format_.separator), line.size());
    field = {line.substr(0, end), false};
    const bool last = end == line.size() && field.text.ends_with('\r');
    if (last) field.text.remove_suffix(1);
    *at += end;
    return true;
  }
  return ReadQuotes(*at + quote, at, problem);
}

// Reads the quoted field whose opening quote is text_[quote].
bool DelimitedFile::ReadQuotes(size_t quote, size_t* at, std::string* problem) {
  Field& field = fields_[size_ - 1];
  std::string* unescaped = nullptr;
  for (size_t i = quote + 1;;) {
    const size_t end = text_.substr(0, quote + kMaxQuotedBytes).find('"', i);
    if (end == std::string_view::npos) {
      *problem = "a quoted field is not closed";
      return false;
    }
    const std::string_view part = text_.substr(i, end - i);
    const bool doubled = text_.substr(end + 1).starts_with('"');
    if (doubled && unescaped == nullptr) {
      unescaped = &unescaped_.emplace_back();
    }
    if (unescaped != nullptr) unescaped->append(part);
    i = end + 1;
    if (doubled) {
      unescaped->push_back('"');
      ++i;
      continue;
    }
    field = {unescaped == nullptr ? part : std::string_view(*unescaped), true};
    while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\r') &&
           text_[i] != newline_) {
      ++i;
    }
    *at = i;
    if (LinesBetween(quote, end) > 0 && SwallowsRecords(quote, end)) {
      *problem = fmt::format(
          "a quoted field is not closed on its line, and the next quote, on "
          "line {}, is behind records that are whole",
          line_ + LinesBetween(quote, end));
      return false;
    }
    const bool ends = i == text_.size() || text_[i] == newline_ ||
                      text_.substr(i).starts_with(format_.separator);
    if (!ends) {
      *problem = part.ends_with('\\')
                     ? "text after a quoted field: a quote within quotes is "
                       "doubled, a backslash before it means nothing"
                     : "text after a quoted field";
    }
    return ends;
  }
}

// Whether a field from the quote at text_[opened] to the one at text_[closed]
// takes in records that are whole by themselves: the line of the first quote
// has as many fields as the header, and so has each line that follows, to that
// of the second quote. Then the first quote was never meant to be closed there.
bool DelimitedFile::SwallowsRecords(size_t opened, size_t closed) const {
  if (header_.size() < 2) return false;
  size_t at =
      opened == 0 ? std::string_view::npos : text_.rfind(newline_, opened - 1);
  at = at == std::string_view::npos ? 0 : at + 1;
  if (!IsRecord(LineAt(at))) return false;
  // Two lines, the second of which ends with the quote, are a text of two
  // lines.
  const bool ends_line = Trim(LineAt(closed + 1)).empty();
  if (ends_line && LinesBetween(opened, closed) == 1) return false;
  while (at <= closed) {
    const std::string_view line = LineAt(at);
    // A line break within the field may also be an empty line.
    if (!IsRecord(line)) return false;
    at += line.size() + 1;
  }
  return true;
}

// Whether the line, with quotes as ordinary characters, is a record: it has as
// many fields as the header, and its first one is no prose.
bool DelimitedFile::IsRecord(std::string_view line) const {
  size_t fields = 1;
  for (size_t at = line.find(format_.separator); at != std::string_view::npos;
       at = line.find(format_.separator, at + format_.separator.size())) {
    ++fields;
  }
  const std::string_view first =
      Trim(line.substr(0, line.find(format_.separator)));
  return fields == header_.size() && !first.empty() &&
         first.find(' ') == std::string_view::npos;
}

std::string_view DelimitedFile::LineAt(size_t begin) const {
  return text_.substr(
      begin, std::min(text_.find(newline_, begin), text_.size()) - begin);
}

size_t DelimitedFile::LinesBetween(size_t begin, size_t end) const {
  return std::count(text_.begin() + static_cast<ptrdiff_t>(begin),
                    text_.begin() + static_cast<ptrdiff_t>(end), newline_);
}

}  // namespace tributary
