#include "index/data/inter_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

absl::StatusOr<RecBoleFile> OpenRecBoleFile(const std::filesystem::path& path,
                                            MalformedLines* malformed) {
  ASSIGN_OR_RETURN(DelimitedFile file,
                   DelimitedFile::Open(path, {.separator = "\t"}, malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  RecBoleFile typed{std::move(file), {}, {}};
  for (const std::string& field : typed.file.header()) {
    const size_t colon = field.rfind(':');
    if (colon == std::string::npos) {
      return absl::NotFoundError(
          fmt::format("{}:1: no type behind column {}, expected name:token, "
                      "name:token_seq, name:float or name:float_seq",
                      typed.file.name(), field));
    }
    typed.names.push_back(field.substr(0, colon));
    typed.types.push_back(field.substr(colon + 1));
  }
  return typed;
}

absl::StatusOr<size_t> RecBoleFile::KeyColumn(std::string_view prefix) const {
  const std::string usual = fmt::format("{}_id", prefix);
  for (const bool exactly : {true, false}) {
    for (size_t i = 0; i < names.size(); ++i) {
      std::string lower = names[i];
      for (char& c : lower) {
        c = static_cast<char>(c | ('A' <= c && c <= 'Z') << 5);
      }
      const bool fits = exactly ? lower == usual : lower.starts_with(prefix);
      if (fits && types[i] == "token") return i;
    }
  }
  return absl::NotFoundError(
      fmt::format("{}: no column {}:token in the header", file.name(), usual));
}

std::optional<size_t> RecBoleFile::Column(std::string_view name,
                                          std::string_view type) const {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name && types[i] == type) return i;
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<KeyedInteraction>> ReadInterFile(
    const std::filesystem::path& path, uint32_t max_malformed_lines) {
  MalformedLines malformed(max_malformed_lines);
  ASSIGN_OR_RETURN(RecBoleFile inter, OpenRecBoleFile(path, &malformed));
  ASSIGN_OR_RETURN(const size_t user, inter.KeyColumn("user"));
  ASSIGN_OR_RETURN(const size_t item, inter.KeyColumn("item"));
  std::vector<KeyedInteraction> interactions;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, inter.file.Next());
    if (!more) return interactions;
    std::string_view problem = KeyProblem(inter.file.field(user));
    if (problem.empty()) problem = KeyProblem(inter.file.field(item));
    if (!problem.empty()) {
      RETURN_IF_ERROR(inter.file.Malformed(problem));
      continue;
    }
    interactions.push_back({std::string(inter.file.field(user)),
                            std::string(inter.file.field(item))});
  }
}

absl::StatusOr<std::string> InterField(const KeyList& keys, Row row) {
  std::string key = keys.text(row);
  if (key.find_first_of("\t\r\n") == std::string::npos) return key;
  return absl::InvalidArgumentError(fmt::format(
      "key \"{}\" has a tab or a line break, which .inter files cannot hold",
      key));
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
  std::string text = "user_id:token\titem_id:token\trating:float";
  text += data.has_times ? "\ttimestamp:float\n" : "\n";
  for (const Interaction& interaction : interactions) {
    ASSIGN_OR_RETURN(const std::string user,
                     InterField(data.users, interaction.user));
    ASSIGN_OR_RETURN(const std::string item,
                     InterField(data.items, interaction.item));
    fmt::format_to(std::back_inserter(text), "{}\t{}\t{}", user, item,
                   interaction.value);
    if (data.has_times) {
      fmt::format_to(std::back_inserter(text), "\t{}", interaction.time_s);
    }
    text += '\n';
  }
  return WriteTextFile(path, text);
}

}  // namespace tributary
