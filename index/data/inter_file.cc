#include "index/data/inter_file.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/data/data_set_builder.h"
#include "index/data/input_table.h"
#include "index/data/malformed_lines.h"
#include "index/data/read_tables.h"
#include "index/data/value_condition.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

absl::StatusOr<std::string> WithoutBreaks(std::string_view what,
                                          std::string field) {
  if (field.find_first_of("\t\r\n") == std::string::npos) return field;
  return absl::InvalidArgumentError(fmt::format(
      "{} \"{}\" has a tab or a line break, which .inter files cannot hold",
      what, field));
}

}  // namespace

absl::StatusOr<std::vector<KeyedInteraction>> ReadInterFile(
    const std::filesystem::path& path, uint32_t max_malformed_lines) {
  MalformedLines malformed(max_malformed_lines);
  ASSIGN_OR_RETURN(InputTable table, InputTable::OpenFile(path, &malformed));
  const Role wanted[] = {Role::kUser, Role::kItem};
  ASSIGN_OR_RETURN(const ColumnRoles roles,
                   FindRoles(table.name(), table.names(), wanted, v1::Input()));
  for (const Role role : wanted) {
    if (!roles[role]) return MissingRole(table.name(), role, table.names());
  }
  std::vector<KeyedInteraction> interactions;
  RETURN_IF_ERROR(table.ForEach([&](const DelimitedFile& file) {
    const std::string_view user = file.verbatim(*roles[Role::kUser]);
    const std::string_view item = file.verbatim(*roles[Role::kItem]);
    std::string_view problem = KeyProblem(user);
    if (problem.empty()) problem = KeyProblem(item);
    if (problem.empty()) {
      interactions.push_back({std::string(user), std::string(item)});
    }
    return problem;
  }));
  return interactions;
}

absl::StatusOr<std::string> InterField(const KeyList& keys, Row row) {
  return WithoutBreaks("key", keys.text(row));
}

absl::Status WriteTextFile(const std::filesystem::path& path,
                           std::string_view text) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "wbe"));
  if (file == nullptr) return absl::ErrnoToStatus(errno, path.string());
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
      std::fflush(file.get()) == 0;
  if (!written) return absl::ErrnoToStatus(errno, path.string());
  return absl::OkStatus();
}

absl::Status WriteInterFile(const std::filesystem::path& path,
                            const DataSet& data,
                            std::span<const Interaction> interactions) {
  const bool is_count = !data.feedback.ratings.has_value() &&
                        RecogniseRatings(data.values, "rating").has_value();
  std::string text = fmt::format("user_id:token\titem_id:token\t{}:float",
                                 is_count ? "count" : "rating");
  if (data.has_times) text += "\ttimestamp:float";
  if (!data.types.empty()) text += "\ttype:token";
  text += '\n';
  for (const Interaction& interaction : interactions) {
    ASSIGN_OR_RETURN(const std::string user,
                     InterField(data.users, interaction.user));
    ASSIGN_OR_RETURN(const std::string item,
                     InterField(data.items, interaction.item));
    fmt::format_to(std::back_inserter(text), "{}\t{}\t", user, item);
    if (data.values.empty()) {
      text += '1';
    } else if (!std::isnan(data.values[interaction.record])) {
      text += fmt::to_string(data.values[interaction.record]);
    }
    if (data.has_times) {
      fmt::format_to(std::back_inserter(text), "\t{}", interaction.time_s);
    }
    if (!data.types.empty()) {
      ASSIGN_OR_RETURN(
          const std::string type,
          WithoutBreaks("type",
                        data.type_names[data.types[interaction.record]]));
      text += '\t' + type;
    }
    text += '\n';
  }
  return WriteTextFile(path, text);
}

}  // namespace tributary
