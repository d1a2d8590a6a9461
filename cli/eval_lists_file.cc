#include "cli/eval_lists_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "cli/held_out_items.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/data_set_builder.h"
#include "index/data/input_table.h"
#include "index/data/malformed_lines.h"
#include "index/data/parse_field.h"
#include "index/data/read_tables.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Where a file has both, the rank says more: scores may tie.
constexpr std::string_view kRankNames[] = {"rank", "position", "pos"};

struct ListsColumns {
  size_t user;
  size_t item;
  size_t place;
  bool by_rank;
};

std::optional<size_t> FindRank(const std::vector<std::string>& header) {
  for (const std::string_view name : kRankNames) {
    for (size_t i = 0; i < header.size(); ++i) {
      const bool same = std::ranges::equal(header[i], name, {}, [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      });
      if (same) return i;
    }
  }
  return std::nullopt;
}

absl::StatusOr<ListsColumns> FindListsColumns(const InputTable& table) {
  const std::vector<std::string>& header = table.names();
  const Role wanted[] = {Role::kUser, Role::kItem, Role::kValue};
  ASSIGN_OR_RETURN(const ColumnRoles roles,
                   FindRoles(table.name(), header, wanted, v1::Input()));
  const std::optional<size_t> rank = FindRank(header);
  const std::optional<size_t> score = roles[Role::kValue];
  const std::string_view missing = !roles[Role::kUser]   ? "user"
                                   : !roles[Role::kItem] ? "item"
                                   : !rank && !score     ? "rank or score"
                                                         : "";
  if (!missing.empty()) {
    return absl::NotFoundError(fmt::format(
        "{}:1: no column {} in the header [{}]; a file of lists has a header "
        "with the columns user, item, and rank or score",
        table.name(), missing, fmt::join(header, ", ")));
  }
  return ListsColumns{*roles[Role::kUser], *roles[Role::kItem],
                      rank ? *rank : *score, rank.has_value()};
}

// What is wrong with the current record; "" when it is fine.
std::string_view ProblemOf(const DelimitedFile& file,
                           const ListsColumns& columns,
                           std::optional<double> place) {
  std::string_view problem = KeyProblem(file.verbatim(columns.user));
  if (problem.empty()) problem = KeyProblem(file.verbatim(columns.item));
  if (problem.empty() && (!place || std::isnan(*place))) {
    problem =
        columns.by_rank ? "the rank is no number" : "the score is no number";
  }
  return problem;
}

}  // namespace

absl::StatusOr<std::vector<ListsFile>> ParseListsFlags(
    const std::vector<std::string>& values,
    const std::vector<std::string>& taken) {
  std::vector<ListsFile> files;
  std::set<std::string> names(taken.begin(), taken.end());
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    std::error_code ignored;
    const bool named =
        equals != std::string::npos && !std::filesystem::exists(value, ignored);
    ListsFile file;
    file.path = named ? value.substr(equals + 1) : value;
    file.name = named ? value.substr(0, equals)
                      : std::filesystem::path(value).stem().string();
    if (file.name.empty() || file.path.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("--lists: \"{}\", expected FILE or NAME=FILE", value));
    }
    if (!names.insert(file.name).second) {
      return absl::InvalidArgumentError(fmt::format(
          "--lists: \"{}\": another list is called {}, too; expected another "
          "name, as in --lists other={}",
          value, file.name, file.path));
    }
    files.push_back(std::move(file));
  }
  return files;
}

absl::Status ReadListsFile(const std::string& path, GivenLists* lists,
                           uint64_t* malformed) {
  MalformedLines skipped(kMaxMalformedLines);
  ASSIGN_OR_RETURN(InputTable table, InputTable::OpenFile(path, &skipped));
  ASSIGN_OR_RETURN(const ListsColumns columns, FindListsColumns(table));
  RETURN_IF_ERROR(table.ForEach([&](const DelimitedFile& file) {
    const auto place = ParseNumber(file.field(columns.place));
    const std::string_view problem = ProblemOf(file, columns, place);
    if (problem.empty()) {
      lists->Add(file.verbatim(columns.user), file.verbatim(columns.item),
                 columns.by_rank ? *place : -*place);
    }
    return problem;
  }));
  if (malformed != nullptr) *malformed = skipped.count();
  return absl::OkStatus();
}

}  // namespace tributary
