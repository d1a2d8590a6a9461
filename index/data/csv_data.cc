#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Names = std::initializer_list<std::string_view>;

const Names kUserNames = {"user", "user_id", "user_key"};

// Reads items.csv or users.csv: a key, and features in the other columns.
absl::Status ReadFeaturesCsv(const std::filesystem::path& path, Names key_names,
                             KeyNumbers* keys, FeatureTable* features,
                             MalformedLines* malformed) {
  ASSIGN_OR_RETURN(
      DelimitedFile file,
      DelimitedFile::Open(path, {.separator = ",", .quoted = true}, malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  ASSIGN_OR_RETURN(const size_t key_column, file.NeedColumn(key_names));
  std::vector<std::pair<size_t, size_t>> columns;
  for (size_t i = 0; i < file.header().size(); ++i) {
    if (i == key_column) continue;
    columns.push_back({i, features->AddColumn(file.header()[i], std::nullopt)});
  }
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
      features->Set(to, row, file.field(from));
    }
  }
}

}  // namespace

absl::Status ReadInteractionsCsv(const std::filesystem::path& path,
                                 bool known_items_only, bool known_users_only,
                                 DataSetBuilder* builder,
                                 MalformedLines* malformed) {
  ASSIGN_OR_RETURN(
      DelimitedFile file,
      DelimitedFile::Open(path, {.separator = ",", .quoted = true}, malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  ASSIGN_OR_RETURN(const size_t user, file.NeedColumn(kUserNames));
  ASSIGN_OR_RETURN(const size_t item, file.NeedColumn(kItemKeyColumns));
  const std::optional<size_t> value =
      file.FindColumn({"value", "rating", "weight", "count", "outcome"});
  const std::optional<size_t> time =
      file.FindColumn({"timestamp", "time", "ts"});
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    std::string_view problem;
    if (known_items_only && !builder->items.Find(file.field(item))) {
      problem = "an item without vector";
    } else if (known_users_only && !builder->users.Find(file.field(user))) {
      problem = "a user without vector";
    } else {
      problem = builder->AddInteraction(file.field(user), file.field(item),
                                        file.field(value), file.field(time));
    }
    if (!problem.empty()) RETURN_IF_ERROR(file.Malformed(problem));
  }
}

absl::StatusOr<DataSet> ReadCsv(const std::filesystem::path& dir,
                                MalformedLines* malformed) {
  DataSetBuilder builder;
  RETURN_IF_ERROR(ReadInteractionsCsv(dir / "interactions.csv",
                                      /*known_items_only=*/false,
                                      /*known_users_only=*/false, &builder,
                                      malformed));
  std::error_code error;
  if (const auto path = dir / "items.csv";
      std::filesystem::exists(path, error)) {
    RETURN_IF_ERROR(ReadFeaturesCsv(path, kItemKeyColumns, &builder.items,
                                    &builder.item_features, malformed));
  }
  if (const auto path = dir / "users.csv";
      std::filesystem::exists(path, error)) {
    RETURN_IF_ERROR(ReadFeaturesCsv(path, kUserNames, &builder.users,
                                    &builder.user_features, malformed));
  }
  return std::move(builder).Finish();
}

}  // namespace tributary
