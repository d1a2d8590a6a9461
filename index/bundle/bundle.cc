#include "index/bundle/bundle.h"

#include <algorithm>
#include <string>

#include "fmt/core.h"
#include "index/bundle/link.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/version_directory.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint64_t kMaxManifestBytes = 64 << 20;

absl::StatusOr<v1::Manifest> ReadManifest(const std::filesystem::path& dir) {
  const auto file = MappedFile::Open(dir / kManifestName);
  if (!file.ok()) {
    const std::string hint = HintOfVersions(dir);
    return hint.empty() ? file.status()
                        : absl::Status(file.status().code(), hint);
  }
  const auto bytes = file->bytes();
  if (bytes.size() > kMaxManifestBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} bytes, expected at most {}", kManifestName,
                    bytes.size(), kMaxManifestBytes));
  }
  return ParseManifest(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

absl::Status CheckFileSize(const std::filesystem::path& dir,
                           const v1::FileEntry& entry) {
  std::error_code error;
  const auto path = dir / entry.name();
  const auto type = std::filesystem::symlink_status(path, error).type();
  if (type == std::filesystem::file_type::not_found) {
    return absl::DataLossError(
        fmt::format("{}: the file is missing", entry.name()));
  }
  if (type == std::filesystem::file_type::symlink) {
    RETURN_IF_ERROR(CheckLink(path));
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::DataLossError(
        fmt::format("{}: not a regular file", entry.name()));
  }
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || size != entry.size_bytes()) {
    return absl::DataLossError(
        fmt::format("{}: {} bytes, but files[\"{}\"].sizeBytes is {}",
                    entry.name(), size, entry.name(), entry.size_bytes()));
  }
  return absl::OkStatus();
}

absl::Status CheckArray(const NpyArray& array, std::string_view file,
                        Dtype dtype, uint64_t size, std::string_view why) {
  const NpyHeader& header = array.header();
  if (header.dtype == dtype && header.dimensions == 1 && header.rows == size) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "{}: {} values of {}, expected {} of {}: {}", file, header.rows,
      DtypeName(header.dtype), size, DtypeName(dtype), why));
}

// Lists that share files lie end to end and fill them: a range that is another
// one than was written would be a list, too, but not this one.
absl::Status CheckEndToEnd(const v1::Manifest& manifest, uint64_t values) {
  std::vector<const v1::PopularityList*> shared;
  for (const v1::PopularityList& spec : manifest.popularity()) {
    if (spec.has_begin()) shared.push_back(&spec);
  }
  if (shared.empty()) return absl::OkStatus();
  // Empty lists come before the one that begins where they do.
  std::sort(shared.begin(), shared.end(), [](const auto* a, const auto* b) {
    return std::pair(a->begin(), a->count()) <
           std::pair(b->begin(), b->count());
  });
  uint64_t end = 0;
  for (const v1::PopularityList* spec : shared) {
    if (spec->begin() != end) {
      return absl::DataLossError(fmt::format(
          "manifest.json: popularity[\"{}\"].begin: {}, but the lists before "
          "it in {} end at {}",
          spec->name(), spec->begin(), kListsFile, end));
    }
    end += spec->count();
  }
  if (end == values) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("manifest.json: popularity: the lists in {} end at {}, but "
                  "it has {} values",
                  kListsFile, end, values));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Bundle>> Bundle::Open(
    const std::filesystem::path& dir) {
  std::shared_ptr<Bundle> bundle(new Bundle);
  bundle->dir_ = dir;
  ASSIGN_OR_RETURN(bundle->manifest_, ReadManifest(dir));
  for (const v1::FileEntry& file : bundle->manifest_.files()) {
    RETURN_IF_ERROR(CheckFileSize(dir, file));
    bundle->size_bytes_ += file.size_bytes();
  }
  RETURN_IF_ERROR(bundle->OpenTables());
  RETURN_IF_ERROR(bundle->OpenSpaces());
  RETURN_IF_ERROR(bundle->OpenPopularity());
  RETURN_IF_ERROR(bundle->OpenNeighbors());
  RETURN_IF_ERROR(bundle->OpenAttributes());
  RETURN_IF_ERROR(bundle->OpenUserLists());
  RETURN_IF_ERROR(bundle->OpenCategories());
  return bundle;
}

bool Bundle::HasFile(std::string_view name) const {
  return std::any_of(manifest_.files().begin(), manifest_.files().end(),
                     [&](const auto& file) { return file.name() == name; });
}

absl::Status Bundle::RequireFiles(std::initializer_list<std::string> names,
                                  std::string_view why) const {
  for (const std::string& name : names) {
    if (HasFile(name)) continue;
    return absl::DataLossError(fmt::format(
        "manifest.json: files: {} is not listed, but {} needs it", name, why));
  }
  return absl::OkStatus();
}

absl::Status Bundle::OpenTable(std::string_view table, const v1::KeyTable& spec,
                               KeyTable* keys) {
  if (spec.kind() == v1::UINT64) {
    RETURN_IF_ERROR(RequireFiles({fmt::format("{}.keys.npy", table)}, table));
  } else {
    RETURN_IF_ERROR(RequireFiles({fmt::format("{}.keys.utf8", table),
                                  fmt::format("{}.keys.offsets.npy", table)},
                                 table));
  }
  ASSIGN_OR_RETURN(*keys, KeyTable::Open(dir_, table, spec));
  return absl::OkStatus();
}

absl::Status Bundle::OpenTables() {
  RETURN_IF_ERROR(OpenTable("items", manifest_.items(), &items_));
  if (!manifest_.has_users()) return absl::OkStatus();
  return OpenTable("users", manifest_.users(), &users_);
}

absl::StatusOr<VectorTable> Bundle::OpenVectors(const std::string& stem,
                                                uint64_t vectors, uint32_t dim,
                                                uint64_t table_rows) const {
  RETURN_IF_ERROR(RequireFiles({stem + ".npy"}, "its space"));
  return VectorTable::Open(dir_, stem, HasFile(stem + ".rows.npy"), vectors,
                           dim, table_rows);
}

absl::StatusOr<FeatureTables> Bundle::OpenFeatureTables(
    const v1::EmbeddingSpace& space) const {
  const v1::FeatureEncoder& encoder = space.feature_encoder();
  const std::string table = space.name() + ".terms";
  const std::string idf = table + ".idf.npy";
  const std::string projection = space.name() + ".projection";
  const std::string why =
      fmt::format("spaces[\"{}\"].featureEncoder", space.name());
  RETURN_IF_ERROR(
      RequireFiles({table + ".keys.utf8", table + ".keys.offsets.npy", idf,
                    projection + ".npy"},
                   why));
  v1::KeyTable terms;
  terms.set_kind(v1::UTF8);
  terms.set_count(encoder.terms());
  const auto numbers = static_cast<uint64_t>(
      std::count_if(encoder.columns().begin(), encoder.columns().end(),
                    [](const v1::FeatureColumn& column) {
                      return column.kind() == v1::FeatureColumn::NUMBER &&
                             column.weight() > 0;
                    }));
  const uint64_t rows = encoder.terms() + numbers;
  FeatureTables tables;
  ASSIGN_OR_RETURN(tables.terms, KeyTable::Open(dir_, table, terms));
  ASSIGN_OR_RETURN(tables.idf, NpyArray::Open(dir_ / idf));
  RETURN_IF_ERROR(CheckArray(tables.idf, idf, Dtype::kFloat32, encoder.terms(),
                             why + ".terms"));
  ASSIGN_OR_RETURN(
      tables.projection,
      VectorTable::Open(dir_, projection, false, rows, space.dim(), rows));
  return tables;
}

absl::Status Bundle::OpenSpaces() {
  for (const v1::EmbeddingSpace& spec : manifest_.spaces()) {
    EmbeddingSpace space{
        .spec = &spec, .items = {}, .users = {}, .features = {}};
    if (spec.has_feature_encoder()) {
      ASSIGN_OR_RETURN(space.features, OpenFeatureTables(spec));
    }
    ASSIGN_OR_RETURN(space.items,
                     OpenVectors(spec.name() + ".items", spec.item_vectors(),
                                 spec.dim(), items_.size()));
    if (spec.user_vectors() > 0) {
      ASSIGN_OR_RETURN(space.users,
                       OpenVectors(spec.name() + ".users", spec.user_vectors(),
                                   spec.dim(), users_.size()));
    } else if (HasFile(spec.name() + ".users.npy")) {
      return absl::DataLossError(fmt::format(
          "manifest.json: spaces[\"{}\"].userVectors: missing or 0, "
          "but {}.users.npy exists",
          spec.name(), spec.name()));
    }
    spaces_.push_back(std::move(space));
  }
  return absl::OkStatus();
}

absl::Status Bundle::OpenOwnList(const v1::PopularityList& spec) {
  const std::string stem = "popularity." + spec.name();
  const std::string rows_file = stem + ".npy";
  const std::string scores_file = stem + ".scores.npy";
  const std::string why = fmt::format("popularity[\"{}\"].count", spec.name());
  RETURN_IF_ERROR(RequireFiles({rows_file, scores_file}, why));
  ASSIGN_OR_RETURN(NpyArray rows, NpyArray::Open(dir_ / rows_file));
  ASSIGN_OR_RETURN(NpyArray scores, NpyArray::Open(dir_ / scores_file));
  RETURN_IF_ERROR(
      CheckArray(rows, rows_file, Dtype::kUint32, spec.count(), why));
  RETURN_IF_ERROR(
      CheckArray(scores, scores_file, Dtype::kFloat32, spec.count(), why));
  popularity_.emplace_back(&spec, rows.elements<Row>(),
                           scores.elements<float>());
  list_arrays_.push_back(std::move(rows));
  list_arrays_.push_back(std::move(scores));
  return absl::OkStatus();
}

absl::Status Bundle::OpenSharedLists() {
  const std::string why = "a list with `begin`";
  RETURN_IF_ERROR(RequireFiles({kListsFile, kListScoresFile}, why));
  ASSIGN_OR_RETURN(shared_rows_, NpyArray::Open(dir_ / kListsFile));
  ASSIGN_OR_RETURN(shared_scores_, NpyArray::Open(dir_ / kListScoresFile));
  // The size is checked list by list.
  RETURN_IF_ERROR(CheckArray(shared_rows_, kListsFile, Dtype::kUint32,
                             shared_rows_.header().rows, why));
  return CheckArray(shared_scores_, kListScoresFile, Dtype::kFloat32,
                    shared_rows_.header().rows,
                    fmt::format("the size of {}", kListsFile));
}

absl::Status Bundle::OpenPopularity() {
  const auto& specs = manifest_.popularity();
  if (std::any_of(specs.begin(), specs.end(),
                  [](const auto& spec) { return spec.has_begin(); })) {
    RETURN_IF_ERROR(OpenSharedLists());
  }
  for (const v1::PopularityList& spec : specs) {
    if (!spec.has_begin()) {
      RETURN_IF_ERROR(OpenOwnList(spec));
      continue;
    }
    const auto rows = shared_rows_.elements<Row>();
    const auto scores = shared_scores_.elements<float>();
    // Written so that the sum cannot overflow.
    if (spec.begin() > rows.size() ||
        spec.count() > rows.size() - spec.begin()) {
      return absl::DataLossError(fmt::format(
          "manifest.json: popularity[\"{}\"]: begin {} and count {}, but {} "
          "has {} values",
          spec.name(), spec.begin(), spec.count(), kListsFile, rows.size()));
    }
    popularity_.emplace_back(&spec, rows.subspan(spec.begin(), spec.count()),
                             scores.subspan(spec.begin(), spec.count()));
  }
  RETURN_IF_ERROR(CheckEndToEnd(manifest_, shared_rows_.header().rows));
  for (uint32_t i = 0; i < popularity_.size(); ++i) {
    lists_by_name_.push_back(i);
    const uint32_t segment = popularity_[i].spec().segment();
    if (segment == 0) continue;
    if (lists_by_segment_.size() <= segment) {
      lists_by_segment_.resize(segment + 1, UINT32_MAX);
    }
    lists_by_segment_[segment] = std::min(lists_by_segment_[segment], i);
  }
  std::sort(lists_by_name_.begin(), lists_by_name_.end(),
            [&](uint32_t a, uint32_t b) {
              return popularity_[a].spec().name() <
                     popularity_[b].spec().name();
            });
  return absl::OkStatus();
}

absl::Status Bundle::OpenNeighbors() {
  for (const v1::NeighborTable& spec : manifest_.neighbors()) {
    const std::string stem = "neighbors." + spec.name();
    RETURN_IF_ERROR(
        RequireFiles({stem + ".rows.npy", stem + ".scores.npy"},
                     fmt::format("neighbors[\"{}\"]", spec.name())));
    ASSIGN_OR_RETURN(neighbors_.emplace_back(),
                     NeighborTable::Open(dir_, spec, items_.size()));
  }
  return absl::OkStatus();
}

absl::Status Bundle::OpenAttributes() {
  for (const v1::Attribute& spec : manifest_.attributes()) {
    const std::string why = fmt::format("attributes[\"{}\"]", spec.name());
    for (const std::string_view part : AttributeFiles(spec)) {
      RETURN_IF_ERROR(RequireFiles(
          {fmt::format("attribute.{}.{}", spec.name(), part)}, why));
    }
    // A count that was lost would leave bitmaps unused, and filters slow.
    const std::string bitmaps =
        fmt::format("attribute.{}.bitmaps.npy", spec.name());
    if (spec.frequent() == 0 && HasFile(bitmaps)) {
      return absl::DataLossError(fmt::format(
          "manifest.json: {}.frequent: 0, but files lists {}", why, bitmaps));
    }
    ASSIGN_OR_RETURN(attributes_.emplace_back(),
                     AttributeColumn::Open(dir_, spec, items_.size()));
  }
  return absl::OkStatus();
}

absl::Status Bundle::OpenUserLists() {
  if (HasFile("seen.offsets.npy")) {
    RETURN_IF_ERROR(RequireFiles({"seen.rows.npy"}, "seen.offsets.npy"));
    ASSIGN_OR_RETURN(seen_offsets_, NpyArray::Open(dir_ / "seen.offsets.npy"));
    ASSIGN_OR_RETURN(seen_rows_, NpyArray::Open(dir_ / "seen.rows.npy"));
    RETURN_IF_ERROR(CheckArray(seen_offsets_, "seen.offsets.npy",
                               Dtype::kUint64, users_.size() + 1,
                               "users.count + 1"));
    RETURN_IF_ERROR(CheckArray(seen_rows_, "seen.rows.npy", Dtype::kUint32,
                               seen_offsets_.elements<uint64_t>().back(),
                               "the last of seen.offsets.npy"));
  }
  if (HasFile("seen.wanted.npy")) {
    RETURN_IF_ERROR(RequireFiles({"seen.offsets.npy"}, "seen.wanted.npy"));
    ASSIGN_OR_RETURN(seen_wanted_, NpyArray::Open(dir_ / "seen.wanted.npy"));
    RETURN_IF_ERROR(CheckArray(seen_wanted_, "seen.wanted.npy", Dtype::kUint64,
                               users_.size(), "users.count"));
  }
  if (HasFile("users.segments.npy")) {
    ASSIGN_OR_RETURN(segments_, NpyArray::Open(dir_ / "users.segments.npy"));
    RETURN_IF_ERROR(CheckArray(segments_, "users.segments.npy", Dtype::kUint16,
                               users_.size(), "users.count"));
  }
  return absl::OkStatus();
}

absl::Status Bundle::OpenCategories() {
  if (!HasFile(kCategoriesFile)) return absl::OkStatus();
  ASSIGN_OR_RETURN(categories_, NpyArray::Open(dir_ / kCategoriesFile));
  const NpyHeader& header = categories_.header();
  if (header.dtype == Dtype::kUint16 && header.dimensions == 2 &&
      header.rows == items_.size()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "{}: shape ({}, {}) of {}, expected ({}, any) of <u2: items.count",
      kCategoriesFile, header.rows, header.columns, DtypeName(header.dtype),
      items_.size()));
}

const EmbeddingSpace* Bundle::FindSpace(std::string_view name) const {
  const auto it = std::find_if(
      spaces_.begin(), spaces_.end(),
      [&](const auto& space) { return space.spec->name() == name; });
  return it == spaces_.end() ? nullptr : &*it;
}

const PopularityList* Bundle::FindPopularity(std::string_view name) const {
  const auto it =
      std::lower_bound(lists_by_name_.begin(), lists_by_name_.end(), name,
                       [&](uint32_t list, std::string_view wanted) {
                         return popularity_[list].spec().name() < wanted;
                       });
  if (it == lists_by_name_.end()) return nullptr;
  const PopularityList& list = popularity_[*it];
  return list.spec().name() == name ? &list : nullptr;
}

const PopularityList* Bundle::FindSegment(uint32_t segment) const {
  if (segment == 0 || segment >= lists_by_segment_.size()) return nullptr;
  const uint32_t list = lists_by_segment_[segment];
  return list == UINT32_MAX ? nullptr : &popularity_[list];
}

const NeighborTable* Bundle::FindNeighbors(std::string_view name) const {
  const auto it = std::find_if(
      neighbors_.begin(), neighbors_.end(),
      [&](const auto& table) { return table.spec().name() == name; });
  return it == neighbors_.end() ? nullptr : &*it;
}

const AttributeColumn* Bundle::FindAttribute(std::string_view name) const {
  const auto it = std::find_if(
      attributes_.begin(), attributes_.end(),
      [&](const auto& attribute) { return attribute.name() == name; });
  return it == attributes_.end() ? nullptr : &*it;
}

std::span<const Row> Bundle::Seen(Row user) const {
  const auto offsets = seen_offsets_.elements<uint64_t>();
  if (user >= users_.size() || offsets.empty()) return {};
  const auto rows = seen_rows_.elements<Row>();
  // The offsets in a file that was not verified may be wrong; clamped, they
  // cannot lead outside of the file.
  const uint64_t begin = std::min<uint64_t>(offsets[user], rows.size());
  const uint64_t end =
      std::clamp<uint64_t>(offsets[user + 1], begin, rows.size());
  return rows.subspan(begin, end - begin);
}

std::span<const Row> Bundle::Wanted(Row user) const {
  const std::span<const Row> seen = Seen(user);
  const auto wanted = seen_wanted_.elements<uint64_t>();
  if (user >= wanted.size()) return seen;
  // Clamped as in Seen.
  const uint64_t begin = seen_offsets_.elements<uint64_t>()[user];
  const uint64_t first = std::max(wanted[user], begin) - begin;
  return seen.subspan(std::min<uint64_t>(first, seen.size()));
}

std::span<const uint16_t> Bundle::Categories(Row item) const {
  const uint64_t width = categories_.header().columns;
  if (item >= categories_.header().rows) return {};
  const auto row =
      categories_.elements<uint16_t>().subspan(item * width, width);
  const auto end = std::find(row.begin(), row.end(), 0);
  return row.first(static_cast<size_t>(end - row.begin()));
}

uint32_t Bundle::Segment(Row user) const {
  const auto segments = segments_.elements<uint16_t>();
  return user < segments.size() ? segments[user] : 0;
}

}  // namespace tributary
