#include "index/data/feature_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "fmt/format.h"
#include "index/data/parse_field.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

constexpr size_t kNamedMarkers = 3;

Kind StoredKind(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kTime:
      return Kind::kNumber;
    case ColumnKind::kCategory:
    case ColumnKind::kTags:
      return Kind::kTokens;
    case ColumnKind::kText:
    case ColumnKind::kIgnored:
      break;
  }
  return Kind::kText;
}

// How a column of a stored kind is reported.
ColumnKind ReportedKind(Kind kind) {
  switch (kind) {
    case Kind::kNumber:
      return ColumnKind::kNumber;
    case Kind::kTokens:
      return ColumnKind::kTags;
    case Kind::kText:
      break;
  }
  return ColumnKind::kText;
}

// Converts a column's values one by one, and counts what is missing.
class ValueReader {
 public:
  ValueReader(ColumnReading reading, bool as_they_are, ColumnReport* report)
      : reading_(std::move(reading)),
        as_they_are_(as_they_are),
        report_(report) {
    out_.kind = StoredKind(reading_.kind);
  }

  void Add(std::string value) {
    if (out_.kind == Kind::kNumber) {
      AddNumber(value);
      return;
    }
    if (!as_they_are_ && IsMissing(value, /*of_numbers=*/false)) {
      AddMarker(value);
      value.clear();
    }
    Count(value, value.empty());
    if (reading_.kind == ColumnKind::kTags && !as_they_are_) {
      value = ReadTags(value, reading_.commas);
    }
    out_.text.push_back(std::move(value));
  }

  FeatureColumn Finish() && {
    report_->kind = reading_.kind;
    report_->note = reading_.note;
    if (others_ > 0) {
      AddNote(
          fmt::format("{} values are not numbers and count as missing, "
                      "such as {}",
                      others_, QuotedExample(first_other_)));
    }
    if (!markers_.empty()) {
      AddNote(
          fmt::format("missing is also written {}", fmt::join(markers_, ", ")));
    }
    return std::move(out_);
  }

 private:
  void AddNumber(const std::string& value) {
    const std::optional<float> number = ReadNumber(value);
    out_.numbers.push_back(
        number.value_or(std::numeric_limits<float>::quiet_NaN()));
    const bool missing = std::isnan(out_.numbers.back());
    Count(value, missing);
    if (!number && others_++ == 0) first_other_ = value;
    if (number && missing) AddMarker(value);
  }

  void Count(const std::string& value, bool missing) {
    ++(missing ? report_->missing : report_->present);
    if (!missing && report_->example.empty()) report_->example = value;
  }

  void AddMarker(const std::string& value) {
    if (value.empty() || markers_.size() == kNamedMarkers ||
        std::ranges::count(markers_, value) > 0) {
      return;
    }
    markers_.push_back(value);
  }

  void AddNote(const std::string& text) {
    if (!report_->note.empty()) report_->note += "; ";
    report_->note += text;
  }

  const ColumnReading reading_;
  const bool as_they_are_;
  ColumnReport* const report_;
  FeatureColumn out_;
  uint64_t others_ = 0;
  std::string first_other_;
  std::vector<std::string> markers_;
};

}  // namespace

std::string SplitTokens(std::string_view value, std::string_view separators) {
  std::string tokens;
  while (!value.empty()) {
    const size_t end = std::min(value.find_first_of(separators), value.size());
    const std::string_view token = Trim(value.substr(0, end));
    if (!token.empty()) {
      if (!tokens.empty()) tokens += kTokenSeparator;
      tokens += token;
    }
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return tokens;
}

size_t FeatureTable::AddColumn(std::string_view name,
                               std::optional<Kind> kind) {
  columns_.push_back({ToUtf8(name), kind, std::nullopt, {}});
  return columns_.size() - 1;
}

size_t FeatureTable::AddColumnOf(std::string_view name, ColumnKind stated) {
  columns_.push_back({ToUtf8(name), std::nullopt, stated, {}});
  return columns_.size() - 1;
}

std::optional<uint64_t> FeatureTable::SetLine(uint32_t row, uint64_t line) {
  if (row >= lines_.size()) {
    lines_.resize(std::max<size_t>(row + 1, lines_.size() * 3 / 2));
  }
  if (lines_[row] > 0) return lines_[row];
  lines_[row] = line;
  return std::nullopt;
}

std::string& FeatureTable::Value(size_t column, uint32_t row) {
  std::vector<std::string>& values = columns_[column].values;
  if (row >= values.size()) {
    values.resize(std::max<size_t>(row + 1, values.size() * 3 / 2));
  }
  return values[row];
}

void FeatureTable::Set(size_t column, uint32_t row, std::string_view value) {
  if (!value.empty()) Value(column, row) = ToUtf8(value);
}

void FeatureTable::AddToken(size_t column, uint32_t row,
                            std::string_view token) {
  if (token.empty()) return;
  std::string& value = Value(column, row);
  if (!value.empty()) value += kTokenSeparator;
  value += ToUtf8(token);
}

std::vector<FeatureColumn> FeatureTable::Finish(
    std::span<const uint32_t> order, std::vector<ColumnReport>* reports) && {
  std::vector<FeatureColumn> finished;
  for (Column& column : columns_) {
    ColumnReading reading;
    if (column.kind.has_value()) {
      reading.kind = ReportedKind(*column.kind);
    } else if (column.stated.has_value()) {
      reading.kind = *column.stated;
    } else {
      reading = RecogniseColumn(column.name, column.values);
    }
    const bool ignored = reading.kind == ColumnKind::kIgnored;
    ColumnReport report;
    report.stated = column.kind.has_value() || column.stated.has_value();
    ValueReader reader(std::move(reading), column.kind.has_value(), &report);
    column.values.resize(std::max(column.values.size(), order.size()));
    for (const uint32_t row : order) {
      reader.Add(std::move(column.values[row]));
    }
    FeatureColumn out = std::move(reader).Finish();
    out.name = report.name = std::move(column.name);
    if (reports != nullptr) reports->push_back(std::move(report));
    if (!ignored) finished.push_back(std::move(out));
  }
  return finished;
}

}  // namespace tributary
