#include "index/verify/verify_bundle.h"

#include <cstdint>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status CheckHash(const std::filesystem::path& dir,
                       const v1::FileEntry& entry) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(dir / entry.name()));
  const std::string found = Sha256Hex(file.bytes());
  if (found == entry.sha256()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}: its SHA-256 is {}, but files[\"{}\"].sha256 is {}",
                  entry.name(), found, entry.name(), entry.sha256()));
}

// The file that an entry of a list is in, for errors.
std::string FileOf(const v1::PopularityList& list, bool scores) {
  if (list.has_begin()) {
    return fmt::format("{}: list \"{}\"", scores ? kListScoresFile : kListsFile,
                       list.name());
  }
  return fmt::format("popularity.{}{}.npy", list.name(),
                     scores ? ".scores" : "");
}

// Checks that rows are below listed->size() and unique, and scores finite and
// descending. *listed is all false, before and after.
absl::Status CheckPopularityList(const PopularityList& list,
                                 std::vector<bool>* listed) {
  for (uint64_t i = 0; i < list.rows().size(); ++i) {
    const Row row = list.rows()[i];
    if (row >= listed->size() || (*listed)[row]) {
      return absl::DataLossError(fmt::format(
          "{}: entry {} is row {}, which is {}", FileOf(list.spec(), false), i,
          row, row >= listed->size() ? "not an item" : "listed twice"));
    }
    (*listed)[row] = true;
    const float score = list.scores()[i];
    if (!IsUsable(score) || (i > 0 && score > list.scores()[i - 1])) {
      return absl::DataLossError(fmt::format(
          "{}: entry {} is {}; scores must be finite, within +-{:g} "
          "and descending",
          FileOf(list.spec(), true), i, score, kMaxMagnitude));
    }
  }
  for (const Row row : list.rows()) (*listed)[row] = false;
  return absl::OkStatus();
}

absl::Status CheckFeatureTables(const EmbeddingSpace& space) {
  RETURN_IF_ERROR(space.features.terms.CheckKeys());
  const auto idf = space.features.idf.elements<float>();
  if (const auto bad = FindUnusable(idf)) {
    return absl::DataLossError(fmt::format("{}.terms.idf.npy: entry {} is {}",
                                           space.spec->name(), *bad,
                                           DescribeUnusable(idf[*bad])));
  }
  const VectorTable& projection = space.features.projection;
  return projection.CheckValues(projection.size());
}

// Checks that rows are items, and none occurs twice for a user. REQUIRES: the
// offsets are right.
absl::Status CheckSeenRows(const Bundle& bundle) {
  const auto offsets = bundle.seen_offsets();
  const auto rows = bundle.seen_rows();
  // By item: the last user who has it.
  std::vector<Row> last(bundle.items().size(), kNoRow);
  for (uint64_t user = 0; user + 1 < offsets.size(); ++user) {
    for (uint64_t i = offsets[user]; i < offsets[user + 1]; ++i) {
      if (rows[i] >= last.size()) {
        return absl::DataLossError(fmt::format(
            "seen.rows.npy: entry {} is row {}, but items.count is {}", i,
            rows[i], last.size()));
      }
      if (last[rows[i]] == user) {
        return absl::DataLossError(
            fmt::format("seen.rows.npy: entry {} is row {}, which user {} has "
                        "twice",
                        i, rows[i], user));
      }
      last[rows[i]] = static_cast<Row>(user);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSeen(const Bundle& bundle) {
  const auto offsets = bundle.seen_offsets();
  const auto rows = bundle.seen_rows();
  for (uint64_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] >= (i == 0 ? 0 : offsets[i - 1]) &&
        offsets[i] <= rows.size() && (i > 0 || offsets[i] == 0)) {
      continue;
    }
    return absl::DataLossError(fmt::format(
        "seen.offsets.npy: entry {} is {}; offsets must begin at 0 and ascend "
        "to {}",
        i, offsets[i], rows.size()));
  }
  const auto wanted = bundle.seen_wanted();
  for (uint64_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] >= offsets[i] && wanted[i] <= offsets[i + 1]) continue;
    return absl::DataLossError(
        fmt::format("seen.wanted.npy: entry {} is {}, expected {} to {}, where "
                    "seen.offsets.npy has the user's items",
                    i, wanted[i], offsets[i], offsets[i + 1]));
  }
  return CheckSeenRows(bundle);
}

absl::Status CheckCategories(const Bundle& bundle) {
  const uint64_t width = bundle.categories_per_item();
  const auto numbers = bundle.category_numbers();
  for (uint64_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == 0 || i % width == 0 || numbers[i - 1] != 0) continue;
    return absl::DataLossError(
        fmt::format("{}: item {}, entry {} is {}, but follows a 0",
                    kCategoriesFile, i / width, i % width, numbers[i]));
  }
  return absl::OkStatus();
}

absl::Status CheckGoldenRows(const Bundle& bundle) {
  for (int i = 0; i < bundle.manifest().golden_queries_size(); ++i) {
    for (const Row row : bundle.manifest().golden_queries(i).rows()) {
      if (row < bundle.items().size()) continue;
      return absl::DataLossError(fmt::format(
          "manifest.json: goldenQueries[{}].rows: row {}, but items.count is "
          "{}",
          i, row, bundle.items().size()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckContents(const Bundle& bundle) {
  for (const v1::FileEntry& file : bundle.manifest().files()) {
    RETURN_IF_ERROR(CheckHash(bundle.dir(), file));
  }
  RETURN_IF_ERROR(bundle.items().CheckKeys());
  if (bundle.manifest().has_users())
    RETURN_IF_ERROR(bundle.users().CheckKeys());
  for (const EmbeddingSpace& space : bundle.spaces()) {
    RETURN_IF_ERROR(space.items.CheckValues(bundle.items().size()));
    if (space.spec->has_feature_encoder()) {
      RETURN_IF_ERROR(CheckFeatureTables(space));
    }
    if (space.spec->user_vectors() == 0) continue;
    RETURN_IF_ERROR(space.users.CheckValues(bundle.users().size()));
  }
  std::vector<bool> listed(bundle.items().size());
  for (const PopularityList& list : bundle.popularity()) {
    RETURN_IF_ERROR(CheckPopularityList(list, &listed));
  }
  for (const AttributeColumn& attribute : bundle.attributes()) {
    RETURN_IF_ERROR(attribute.CheckValues());
  }
  for (const NeighborTable& table : bundle.neighbors()) {
    RETURN_IF_ERROR(table.CheckValues());
  }
  RETURN_IF_ERROR(CheckSeen(bundle));
  RETURN_IF_ERROR(CheckCategories(bundle));
  return CheckGoldenRows(bundle);
}

}  // namespace

absl::Status VerifyBundle(const Bundle& bundle) {
  const std::string name = bundle.dir().filename().string();
  const std::string version = fmt::format("{}", bundle.version());
  if (name != version && !name.starts_with('.')) {
    return absl::DataLossError(
        fmt::format("manifest.json: version: {}, but the directory is named "
                    "{}",
                    version, name));
  }
  return CheckContents(bundle);
}

absl::Status VerifyBundle(const std::filesystem::path& dir) {
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(dir));
  return VerifyBundle(*bundle);
}

}  // namespace tributary
