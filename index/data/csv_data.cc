#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/data_readers.h"
#include "index/data/input_files.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// What files of a table are called, the most usual name first.
constexpr std::string_view kInteractionStems[] = {
    "interactions", "interaction",  "events",   "event", "ratings",
    "rating",       "feedback",     "clicks",   "views", "purchases",
    "orders",       "transactions", "sessions", "plays", "listens",
    "logs",         "log",          "train",    "part",  "data"};
constexpr std::string_view kItemStems[] = {
    "items",   "item",   "products",  "product", "articles",
    "article", "movies", "books",     "songs",   "tracks",
    "videos",  "games",  "catalogue", "catalog", "metadata"};
constexpr std::string_view kUserStems[] = {"users",    "user",    "customers",
                                           "customer", "members", "visitors"};

std::string NamesOf(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> names;
  for (const auto& path : files) names.push_back(path.filename().string());
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}

// Says which files of the directory are not read.
void ReportUnread(
    const std::vector<std::filesystem::path>& files,
    std::initializer_list<std::span<const std::filesystem::path>> tables,
    InputReport* report) {
  std::vector<std::filesystem::path> unread;
  for (const auto& path : files) {
    bool read = false;
    for (const auto& table : tables) {
      for (const auto& of_table : table) {
        read = read || of_table == path || of_table.parent_path() == path;
      }
    }
    if (!read) unread.push_back(path);
  }
  if (!unread.empty()) report->Say("not read: " + NamesOf(unread));
}

}  // namespace

absl::StatusOr<DataSetBuilder> ReadCsv(const std::filesystem::path& where,
                                       const TableContext& context) {
  DataSetBuilder builder;
  InteractionCounts counts;
  std::error_code error;
  if (std::filesystem::is_regular_file(where, error)) {
    RETURN_IF_ERROR(ReadInteractions({&where, 1}, {}, {}, context, &builder));
    return builder;
  }
  ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> files,
                   ListDataFiles(where));
  ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> interactions,
                   FindTable(files, kInteractionStems));
  ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> items,
                   FindTable(files, kItemStems));
  ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> users,
                   FindTable(files, kUserStems));
  if (interactions.empty()) {
    return absl::NotFoundError(fmt::format(
        "{}: no interactions.csv (or .tsv, .csv.gz, .csv.zst; or events, "
        "ratings, clicks and the like); there is {}. A file of another name is "
        "read by csv:FILE",
        where.string(), NamesOf(files)));
  }
  RETURN_IF_ERROR(
      ReadInteractions(interactions, {}, {}, context, &builder, &counts));
  if (!items.empty()) {
    RETURN_IF_ERROR(ReadFeatures(items, {}, Role::kItem, counts.of_items,
                                 context, &builder.items,
                                 &builder.item_features));
  }
  if (!users.empty()) {
    RETURN_IF_ERROR(ReadFeatures(users, {}, Role::kUser, counts.of_users,
                                 context, &builder.users,
                                 &builder.user_features));
  }
  ReportUnread(files, {interactions, items, users}, context.report);
  return builder;
}

}  // namespace tributary
