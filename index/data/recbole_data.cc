#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/input_files.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr TableForm kAtomic = {.typed_header = true};

std::vector<fs::path> WithExtension(const std::vector<fs::path>& files,
                                    std::string_view extension) {
  std::vector<fs::path> found;
  for (const fs::path& path : files) {
    if (fs::path(PlainName(path)).extension() == extension) {
      found.push_back(path);
    }
  }
  return found;
}

// RecBole's benchmark files come in three: reading what is meant for testing
// makes any later test of the bundle meaningless.
void WarnOfTestFiles(const std::vector<fs::path>& files, InputReport* report) {
  for (const fs::path& path : files) {
    const std::string name = path.filename().string();
    if (files.size() == 1 || name.find("test") == std::string::npos) continue;
    report->Warn(fmt::format(
        "{} is read for training, too, and the bundle has then seen its own "
        "test; to train on one file only, name it, as in recbole:{}",
        path.string(), files[0].string()));
  }
}

}  // namespace

absl::StatusOr<DataSetBuilder> ReadRecBole(const fs::path& where,
                                           const TableContext& context) {
  std::error_code error;
  const bool one_file = fs::is_regular_file(where, error);
  ASSIGN_OR_RETURN(const std::vector<fs::path> files,
                   ListDataFiles(one_file ? where.parent_path() : where));
  const std::vector<fs::path> inter =
      one_file ? std::vector{where} : WithExtension(files, ".inter");
  if (inter.empty()) {
    return absl::NotFoundError(fmt::format(
        "{}: no *.inter (or .inter.gz, .inter.zst)", where.string()));
  }
  WarnOfTestFiles(inter, context.report);
  DataSetBuilder builder;
  InteractionCounts counts;
  RETURN_IF_ERROR(
      ReadInteractions(inter, kAtomic, {}, context, &builder, &counts));
  const std::vector<fs::path> items = WithExtension(files, ".item");
  const std::vector<fs::path> users = WithExtension(files, ".user");
  if (!items.empty()) {
    RETURN_IF_ERROR(ReadFeatures(items, kAtomic, Role::kItem, counts.of_items,
                                 context, &builder.items,
                                 &builder.item_features));
  }
  if (!users.empty()) {
    RETURN_IF_ERROR(ReadFeatures(users, kAtomic, Role::kUser, counts.of_users,
                                 context, &builder.users,
                                 &builder.user_features));
  }
  return builder;
}

}  // namespace tributary
