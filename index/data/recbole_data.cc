#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/inter_file.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// The one file of `dir` with this extension; "" when there is none.
// INVALID_ARGUMENT when there are several.
absl::StatusOr<std::filesystem::path> FindFile(const std::filesystem::path& dir,
                                               std::string_view extension) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  std::filesystem::directory_iterator files(dir, error);
  if (error) {
    return absl::NotFoundError(
        fmt::format("{}: {}", dir.string(), error.message()));
  }
  for (; files != std::filesystem::directory_iterator();
       files.increment(error)) {
    if (error) break;
    if (files->path().extension() == extension) found.push_back(files->path());
  }
  if (found.empty()) return std::filesystem::path();
  if (found.size() == 1) return found[0];
  std::sort(found.begin(), found.end());
  return absl::InvalidArgumentError(fmt::format(
      "{}: several {} files ({} and {}), expected one", dir.string(), extension,
      found[0].filename().string(), found[1].filename().string()));
}

absl::Status ReadInteractions(const std::filesystem::path& path,
                              DataSetBuilder* builder,
                              MalformedLines* malformed) {
  ASSIGN_OR_RETURN(RecBoleFile inter, OpenRecBoleFile(path, malformed));
  ASSIGN_OR_RETURN(const size_t user, inter.KeyColumn("user"));
  ASSIGN_OR_RETURN(const size_t item, inter.KeyColumn("item"));
  const std::optional<size_t> value = inter.Column("rating", "float");
  const std::optional<size_t> time = inter.Column("timestamp", "float");
  DelimitedFile& file = inter.file;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    const std::string_view problem =
        builder->AddInteraction(file.field(user), file.field(item),
                                file.field(value), file.field(time));
    if (!problem.empty()) RETURN_IF_ERROR(file.Malformed(problem));
  }
}

std::optional<Kind> KindOf(std::string_view type) {
  if (type == "token" || type == "token_seq") return Kind::kTokens;
  if (type == "float") return Kind::kNumber;
  return std::nullopt;
}

// Reads *.item or *.user. Sequences of floats are left out: they are other
// people's vectors (see vectors:DIR), not features to count.
absl::Status ReadFeatures(const std::filesystem::path& path,
                          std::string_view key_prefix, KeyNumbers* keys,
                          FeatureTable* features, MalformedLines* malformed) {
  ASSIGN_OR_RETURN(RecBoleFile typed, OpenRecBoleFile(path, malformed));
  ASSIGN_OR_RETURN(const size_t key_column, typed.KeyColumn(key_prefix));
  std::vector<std::pair<size_t, size_t>> columns;
  for (size_t i = 0; i < typed.names.size(); ++i) {
    const std::optional<Kind> kind = KindOf(typed.types[i]);
    if (i == key_column || !kind) continue;
    columns.push_back({i, features->AddColumn(typed.names[i], kind)});
  }
  DelimitedFile& file = typed.file;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    const std::string_view key = file.field(key_column);
    if (const auto problem = KeyProblem(key); !problem.empty()) {
      RETURN_IF_ERROR(file.Malformed(problem));
      continue;
    }
    const uint32_t row = keys->Add(key);
    for (const auto& [from, to] : columns) {
      const std::string_view value = file.field(from);
      features->Set(to, row,
                    typed.types[from] == "token_seq" ? SplitTokens(value, " ")
                                                     : std::string(value));
    }
  }
}

}  // namespace

absl::StatusOr<DataSet> ReadRecBole(const std::filesystem::path& dir,
                                    MalformedLines* malformed) {
  ASSIGN_OR_RETURN(const std::filesystem::path inter, FindFile(dir, ".inter"));
  ASSIGN_OR_RETURN(const std::filesystem::path items, FindFile(dir, ".item"));
  ASSIGN_OR_RETURN(const std::filesystem::path users, FindFile(dir, ".user"));
  if (inter.empty()) {
    return absl::NotFoundError(fmt::format("{}: no *.inter", dir.string()));
  }
  DataSetBuilder builder;
  RETURN_IF_ERROR(ReadInteractions(inter, &builder, malformed));
  if (!items.empty()) {
    RETURN_IF_ERROR(ReadFeatures(items, "item", &builder.items,
                                 &builder.item_features, malformed));
  }
  if (!users.empty()) {
    RETURN_IF_ERROR(ReadFeatures(users, "user", &builder.users,
                                 &builder.user_features, malformed));
  }
  return std::move(builder).Finish();
}

}  // namespace tributary
