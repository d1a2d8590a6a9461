#include "cli/changes_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/change_value.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "index/changes/check_change.h"
#include "index/data/delimited_file.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "status/status_message.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr char kStandardInput[] = "/dev/stdin";

absl::Status LineError(const std::string& file, uint64_t line,
                       std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("{}: line {}: {}", file, line, why));
}

// Columns that have a meaning in lines of some changes. In a line that sets
// attributes or adds an item, each column but change and item is an attribute
// or a feature, these too.
constexpr std::string_view kReason = "reason";
constexpr std::string_view kUser = "user";
constexpr std::string_view kType = "type";
constexpr std::string_view kValue = "value";
constexpr std::string_view kTime = "time";

// The columns of a CSV file, by their index.
struct Columns {
  size_t change = 0;
  size_t item = 0;
  // The others by their names.
  std::map<std::string, size_t, std::less<>> others;
};

absl::StatusOr<Columns> FindColumns(const DelimitedFile& csv,
                                    const std::string& file) {
  Columns columns;
  for (size_t i = 0; i < csv.header().size(); ++i) {
    if (!columns.others.emplace(csv.header()[i], i).second) {
      return LineError(
          file, 1,
          fmt::format("the column {} is there twice", Quoted(csv.header()[i])));
    }
  }
  const auto change = columns.others.extract("change");
  const auto item = columns.others.extract("item");
  if (change.empty() || item.empty()) {
    return LineError(file, 1,
                     "expected a header with the columns change and item, or "
                     "lines of JSON");
  }
  columns.change = change.mapped();
  columns.item = item.mapped();
  return columns;
}

// One line of a CSV file. Fields are taken by their columns, and what no change
// took is an error.
class Line {
 public:
  Line(const DelimitedFile& csv, const Columns& columns)
      : csv_(csv), columns_(columns) {
    for (const auto& [name, column] : columns.others) {
      if (!csv.field(column).empty()) left_.emplace(name, column);
    }
  }

  absl::StatusOr<v1::Change> Read() {
    v1::Change change;
    change.set_item(std::string(csv_.field(columns_.item)));
    const std::string_view what = csv_.field(columns_.change);
    if (what == "remove") {
      change.mutable_remove()->set_reason(Take(kReason));
    } else if (what == "restore") {
      change.mutable_restore();
    } else if (what == "set") {
      TakeValues(change.mutable_set()->mutable_attributes());
    } else if (what == "upsert") {
      TakeValues(change.mutable_upsert()->mutable_features());
    } else if (what == "event") {
      RETURN_IF_ERROR(ReadEvent(change.mutable_event()));
    } else if (what == "expire") {
      ASSIGN_OR_RETURN(const int64_t at, ParseChangeTime(kTime, Take(kTime)));
      change.mutable_expire()->set_at_ms(at);
    } else {
      return absl::InvalidArgumentError(fmt::format(
          "the change is {}, expected remove, restore, set, upsert, event or "
          "expire",
          Quoted(what)));
    }
    if (left_.empty()) return change;
    return absl::InvalidArgumentError(
        fmt::format("the column {} says nothing of a change that is {}, and "
                    "must be empty",
                    Quoted(left_.begin()->first), Quoted(what)));
  }

 private:
  std::string Take(std::string_view name) {
    const auto field = left_.find(name);
    if (field == left_.end()) return "";
    std::string text(csv_.field(field->second));
    left_.erase(field);
    return text;
  }

  void TakeValues(google::protobuf::Struct* values) {
    for (const auto& [name, column] : left_) {
      (*values->mutable_fields())[name] = ParseChangeValue(csv_.field(column));
    }
    left_.clear();
  }

  absl::Status ReadEvent(v1::UserEvent* event) {
    event->set_user(Take(kUser));
    event->set_type(Take(kType));
    if (const std::string text = Take(kValue); !text.empty()) {
      double value = 0;
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) {
        return FieldError(kValue, "{} is not a number", Quoted(text));
      }
      event->set_value(value);
    }
    if (const std::string text = Take(kTime); !text.empty()) {
      ASSIGN_OR_RETURN(const int64_t time, ParseChangeTime(kTime, text));
      event->set_time_ms(time);
    }
    return absl::OkStatus();
  }

  const DelimitedFile& csv_;
  const Columns& columns_;
  // The fields that are not empty, and that nothing has taken.
  std::map<std::string, size_t, std::less<>> left_;
};

absl::StatusOr<std::vector<v1::Change>> ReadCsv(const std::string& path,
                                                const std::string& file) {
  MalformedLines malformed(/*limit=*/0);
  ASSIGN_OR_RETURN(
      DelimitedFile csv,
      DelimitedFile::Open(path, {.separator = "", .quoted = true}, &malformed));
  const absl::Status header = csv.ReadHeader();
  if (absl::IsNotFound(header)) return LineError(file, 1, "the file is empty");
  RETURN_IF_ERROR(header);
  ASSIGN_OR_RETURN(const Columns columns, FindColumns(csv, file));
  std::vector<v1::Change> changes;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, csv.Next());
    if (!more) return changes;
    auto read = Line(csv, columns).Read();
    if (!read.ok()) {
      return LineError(file, csv.line(), MessageOf(read.status()));
    }
    v1::Change change = *std::move(read);
    if (const absl::Status checked = CheckChange(change, "the change");
        !checked.ok()) {
      return LineError(file, csv.line(), MessageOf(checked));
    }
    changes.push_back(std::move(change));
  }
}

absl::StatusOr<std::vector<v1::Change>> ReadJson(std::string_view text,
                                                 const std::string& file) {
  std::vector<v1::Change> changes;
  for (uint64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view json = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (json.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    v1::Change& change = changes.emplace_back();
    const auto parsed = google::protobuf::util::JsonStringToMessage(
        {json.data(), json.size()}, &change);
    if (!parsed.ok()) {
      return LineError(
          file, line,
          fmt::format("not a change, such as {{\"item\": \"42\", \"remove\": "
                      "{{}}}}: {}",
                      Printable(parsed.message().ToString(), 200)));
    }
    if (change.number() != 0 || change.at_ms() != 0) {
      return LineError(file, line, "number and atMs are the log's to set");
    }
    if (const absl::Status checked = CheckChange(change, "the change");
        !checked.ok()) {
      return LineError(file, line, MessageOf(checked));
    }
  }
  return changes;
}

}  // namespace

absl::StatusOr<std::vector<v1::Change>> ReadChangesFile(
    const std::string& file) {
  const bool is_input = file == "-";
  const std::string name = is_input ? "standard input" : file;
  ASSIGN_OR_RETURN(const InputText input,
                   InputText::Open(is_input ? kStandardInput : file, "auto"));
  const std::string_view text = input.text();
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    return ReadJson(text, name);
  }
  if (is_input) {
    // A pipe can be read once.
    return absl::InvalidArgumentError(
        "standard input: expected lines of JSON, such as {\"item\": \"42\", "
        "\"remove\": {}}; CSV is read from files");
  }
  return ReadCsv(file, name);
}

}  // namespace tributary
