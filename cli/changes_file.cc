#include "cli/changes_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "index/changes/read_changes.h"
#include "index/data/delimited_file.h"
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

// The columns of a CSV file, by their index.
struct Columns {
  std::optional<size_t> change;
  std::optional<size_t> item;
  std::optional<size_t> reason;
};

absl::StatusOr<Columns> FindColumns(const DelimitedFile& csv,
                                    const std::string& file) {
  Columns columns;
  for (size_t i = 0; i < csv.header().size(); ++i) {
    const std::string& name = csv.header()[i];
    if (name == "change") {
      columns.change = i;
    } else if (name == "item") {
      columns.item = i;
    } else if (name == "reason") {
      columns.reason = i;
    } else {
      return LineError(file, 1,
                       fmt::format("the column {} is none of change, item and "
                                   "reason",
                                   Quoted(name)));
    }
  }
  if (!columns.change || !columns.item) {
    return LineError(file, 1,
                     "expected a header with the columns change and item, or "
                     "lines of JSON");
  }
  return columns;
}

absl::StatusOr<v1::Change> ChangeOf(const DelimitedFile& csv,
                                    const Columns& columns,
                                    const std::string& file) {
  v1::Change change;
  change.set_item(std::string(csv.field(columns.item)));
  const std::string reason(csv.field(columns.reason));
  const std::string_view what = csv.field(columns.change);
  if (what == "remove") {
    change.mutable_remove()->set_reason(reason);
  } else if (what == "restore") {
    if (!reason.empty()) {
      return LineError(file, csv.line(), "only a removal has a reason");
    }
    change.mutable_restore();
  } else {
    return LineError(file, csv.line(),
                     fmt::format("the change is {}, expected remove or restore",
                                 Quoted(what)));
  }
  return change;
}

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
    ASSIGN_OR_RETURN(v1::Change change, ChangeOf(csv, columns, file));
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
