#include "index/data/feature_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/attribute_column.h"
#include "index/data/attribute_choice.h"
#include "index/data/attribute_value.h"
#include "index/data/parse_field.h"
#include "index/data/stated_times.h"
#include "index/data/time_reading.h"
#include "status/nearest_name.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

constexpr size_t kNamedMarkers = 3;
// Has the titles where no column is called so.
constexpr char kNameColumn[] = "name";

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

bool HasSeparators(std::span<const std::string> values,
                   std::string_view separators) {
  return std::ranges::any_of(values, [&](const std::string& value) {
    return value.find_first_of(separators) != std::string::npos;
  });
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
  Column& column = columns_.emplace_back();
  column.name = ToUtf8(name);
  column.kind = kind;
  return columns_.size() - 1;
}

size_t FeatureTable::AddColumnOf(std::string_view name, ColumnKind stated) {
  Column& column = columns_.emplace_back();
  column.name = ToUtf8(name);
  column.stated = stated;
  return columns_.size() - 1;
}

size_t FeatureTable::AddAttribute(std::string_view name, v1::AttributeType type,
                                  std::string source) {
  Column& column = columns_.emplace_back();
  column.name = ToUtf8(name);
  column.stated = ColumnKind::kIgnored;
  column.attribute = type;
  column.is_feature = false;
  column.source = std::move(source);
  return columns_.size() - 1;
}

void FeatureTable::SetAttributeType(size_t column, v1::AttributeType type) {
  columns_[column].attribute = type;
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

std::optional<size_t> FeatureTable::Find(std::string_view name) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return i;
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (AttributeNameOf(columns_[i].name, i) == name) return i;
  }
  return std::nullopt;
}

void FeatureTable::AddToken(size_t column, uint32_t row,
                            std::string_view token) {
  if (token.empty()) return;
  std::string& value = Value(column, row);
  if (!value.empty()) value += kTokenSeparator;
  value += ToUtf8(token);
}

absl::Status FeatureTable::ApplyTimeFormat(const v1::Input& input) {
  const std::string& format = input.time_format();
  if (format.empty() || format == "auto") return absl::OkStatus();
  ASSIGN_OR_RETURN(const TimeReading reading, TimeReading::FromText(format));
  for (Column& column : columns_) {
    const auto type = input.attributes().find(column.name);
    const bool typed = type != input.attributes().end();
    bool stated = column.stated == ColumnKind::kTime;
    bool other = column.stated.has_value() || column.kind.has_value();
    if (typed) {
      stated = type->second == AttributeTypeName(v1::TIME);
      other = true;
    }
    if (!stated && other) continue;
    RewriteStatedTimes(column.name, stated, reading, &column.values);
  }
  return absl::OkStatus();
}

const ColumnReading& FeatureTable::Recognise(Column* column) {
  if (!column->recognised.has_value()) {
    column->recognised = RecogniseColumn(column->name, column->values);
  }
  return *column->recognised;
}

std::optional<v1::AttributeType> FeatureTable::RecogniseType(Column* column) {
  if (column->attribute.has_value()) return column->attribute;
  if (column->stated.has_value()) {
    return AttributeOfStatedKind(*column->stated, column->values);
  }
  if (!column->kind.has_value()) {
    return RecogniseAttribute(column->name, Recognise(column).kind,
                              column->values);
  }
  if (column->kind == Kind::kNumber) return v1::NUMBER;
  if (column->kind == Kind::kText) return std::nullopt;
  return HasSeparators(column->values, {&kTokenSeparator, 1})
             ? v1::TAGS
             : AttributeOfTokens(column->values);
}

std::optional<v1::AttributeType> FeatureTable::ChooseType(
    Column* column, const AttributeChoice& choice, InputReport* report) {
  const auto stated = choice.stated.find(column->name);
  if (stated != choice.stated.end()) return stated->second;
  const auto earlier = choice.earlier.find(column->name);
  if (earlier == choice.earlier.end()) return RecogniseType(column);
  if (std::ranges::all_of(column->values, [&](const std::string& value) {
        return FitsAttribute(earlier->second, value);
      })) {
    return earlier->second;
  }
  const std::optional<v1::AttributeType> type = RecogniseType(column);
  report->Warn(fmt::format(
      "the column {} has the type {} in the earlier bundle, but not all values "
      "are of it any more; as an attribute it is {} now",
      QuotedExample(column->name), AttributeTypeName(earlier->second),
      type ? AttributeTypeName(*type) : "none"));
  return type;
}

bool FeatureTable::CommasSeparate(Column* column, bool stated) {
  // As features are read, if they are tags, too.
  if (!stated && column->stated.has_value()) return false;
  if (!stated && Recognise(column).kind == ColumnKind::kTags) {
    return Recognise(column).commas;
  }
  return !HasSeparators(column->values, kListSeparators);
}

size_t FeatureTable::FindTitles(const AttributeChoice& choice) {
  // A text that would be no attribute, and has a value.
  const auto is_text = [&](Column* column) {
    return !choice.stated.contains(column->name) &&
           column->stated != ColumnKind::kIgnored && column->is_feature &&
           !RecogniseType(column).has_value() &&
           std::ranges::any_of(column->values, [](const std::string& value) {
             return !IsMissingAttribute(v1::CATEGORY, value);
           });
  };
  for (const std::string_view name : {kTitleAttribute, kNameColumn}) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (AttributeNameOf(columns_[i].name, i + 1) != name) continue;
      if (is_text(&columns_[i])) return i;
      // Whatever it is, the name is its own.
      if (name == kTitleAttribute) return columns_.size();
    }
  }
  return columns_.size();
}

absl::Status FeatureTable::CheckStatedColumns(
    const AttributeChoice& choice) const {
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  for (const auto& [name, type] : choice.stated) {
    if (std::ranges::count(names, name) > 0) continue;
    return absl::NotFoundError(fmt::format(
        "attributes: {}items have no column {}{}; there are {}",
        source_.empty() ? "" : source_ + ": ", QuotedExample(name),
        DidYouMean(name, names),
        names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FeatureTable::ChosenColumn>>
FeatureTable::ChooseAttributes(const AttributeChoice& choice,
                               InputReport* report) {
  RETURN_IF_ERROR(CheckStatedColumns(choice));
  std::vector<ChosenColumn> all;
  const size_t titles = FindTitles(choice);
  for (size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    const std::optional<v1::AttributeType> type =
        i == titles ? v1::CATEGORY : ChooseType(&column, choice, report);
    if (!type) continue;
    ChosenColumn& chosen = all.emplace_back();
    chosen.column = &column;
    chosen.name = i == titles ? std::string(kTitleAttribute)
                              : AttributeNameOf(column.name, i + 1);
    chosen.stated = choice.stated.contains(column.name);
    chosen.form.type = *type;
    chosen.form.as_they_are = column.kind == Kind::kTokens;
    chosen.form.commas = type == v1::TAGS && !column.kind.has_value() &&
                         CommasSeparate(&column, chosen.stated);
  }
  if (all.size() > kMaxAttributes) {
    const size_t too_many = all.size() - kMaxAttributes;
    // What is stated is what is wanted.
    std::stable_partition(all.begin(), all.end(),
                          [](const auto& chosen) { return chosen.stated; });
    if (all[kMaxAttributes].stated) {
      return absl::InvalidArgumentError(
          fmt::format("attributes: more than {} are stated", kMaxAttributes));
    }
    report->Warn(fmt::format(
        "{} columns could be attributes, but a bundle has at most {}: {} are "
        "left out, such as {}; state the type of those that filters need, or "
        "none for others: --input.attributes",
        all.size(), kMaxAttributes, too_many,
        QuotedExample(all[kMaxAttributes].column->name)));
    all.resize(kMaxAttributes);
  }
  std::map<std::string_view, const Column*> taken;
  for (const ChosenColumn& chosen : all) {
    const auto [other, fresh] = taken.emplace(chosen.name, chosen.column);
    if (fresh) continue;
    return absl::InvalidArgumentError(fmt::format(
        "attributes: the columns {} and {} both give the attribute {}: rename "
        "one of them, or make no attribute of it: --input.attributes '{}=none'",
        QuotedExample(other->second->name), QuotedExample(chosen.column->name),
        chosen.name, chosen.column->name));
  }
  return all;
}

absl::Status FeatureTable::CheckMisfits(const ChosenColumn& chosen,
                                        const Misfits& misfits,
                                        uint64_t present,
                                        std::span<const uint32_t> order,
                                        const AttributeChoice& choice,
                                        InputReport* report) const {
  if (!chosen.stated || misfits.count == 0) return absl::OkStatus();
  const uint32_t number = order[misfits.row];
  const std::string& source =
      chosen.column->source.empty() ? source_ : chosen.column->source;
  const bool has_line = chosen.column->source.empty() && number < lines_.size();
  const uint64_t line = has_line ? lines_[number] : 0;
  const uint64_t all = misfits.count + present;
  const std::string what = fmt::format(
      "{}the column {} is stated to be {} as an attribute, but {} of {} values "
      "are not, the first one {}{}",
      source.empty() ? "" : source + ": ", QuotedExample(chosen.column->name),
      AttributeTypeName(chosen.form.type), misfits.count, all,
      QuotedExample(misfits.value),
      line == 0 ? "" : fmt::format(" on line {}", line));
  if (misfits.count <= choice.max_misfits &&
      static_cast<double>(misfits.count) <=
          choice.max_misfit_share * static_cast<double>(all)) {
    report->Warn(what + "; they count as missing");
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "{}. Correct them, or state another type: --input.attributes '{}=none'",
      what, chosen.column->name));
}

absl::StatusOr<ItemAttributes> FeatureTable::MakeAttributes(
    std::span<const uint32_t> order, const AttributeChoice& choice,
    InputReport* report) {
  ASSIGN_OR_RETURN(const std::vector<ChosenColumn> all,
                   ChooseAttributes(choice, report));
  ItemAttributes attributes;
  for (const ChosenColumn& chosen : all) {
    const std::vector<std::string>& values = chosen.column->values;
    Misfits misfits;
    AttributeData data = EncodeAttribute(
        chosen.form, order.size(),
        [&](Row row) -> std::string_view {
          const uint32_t number = order[row];
          return number < values.size() ? std::string_view(values[number]) : "";
        },
        &misfits);
    RETURN_IF_ERROR(CheckMisfits(chosen, misfits, data.spec.present(), order,
                                 choice, report));
    data.spec.set_name(chosen.name);
    data.spec.set_column(chosen.column->name);
    attributes.push_back(
        std::make_shared<const AttributeData>(std::move(data)));
  }
  return attributes;
}

std::vector<FeatureColumn> FeatureTable::Finish(
    std::span<const uint32_t> order, std::vector<ColumnReport>* reports) && {
  std::vector<FeatureColumn> finished;
  for (Column& column : columns_) {
    if (!column.is_feature) continue;
    ColumnReading reading;
    if (column.kind.has_value()) {
      reading.kind = ReportedKind(*column.kind);
    } else if (column.stated.has_value()) {
      reading.kind = *column.stated;
    } else {
      reading = Recognise(&column);
    }
    const bool ignored = reading.kind == ColumnKind::kIgnored;
    ColumnReport report;
    report.stated = column.kind.has_value() || column.stated.has_value();
    ValueReader reader(std::move(reading), column.kind.has_value(), &report);
    column.values.resize(std::max(column.values.size(), order.size()));
    for (const uint32_t row : order) {
      reader.Add(std::move(column.values[row]));
    }
    // Millions of strings, of which the next column may need the memory.
    column.values = {};
    FeatureColumn out = std::move(reader).Finish();
    out.name = report.name = std::move(column.name);
    if (reports != nullptr) reports->push_back(std::move(report));
    if (!ignored) finished.push_back(std::move(out));
  }
  return finished;
}

}  // namespace tributary
