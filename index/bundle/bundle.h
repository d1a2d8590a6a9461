// The bundle, format 1, as a reader sees it.
#ifndef TRIBUTARY_INDEX_BUNDLE_BUNDLE_H_
#define TRIBUTARY_INDEX_BUNDLE_BUNDLE_H_

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/neighbor_table.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

inline constexpr uint32_t kBundleFormat = 1;
inline constexpr char kManifestName[] = "manifest.json";
inline constexpr char kCategoriesFile[] = "items.categories.npy";
inline constexpr uint32_t kMaxDim = 4096;

// How items of a space are encoded from their features: v1::FeatureEncoder.
struct FeatureTables {
  KeyTable terms;
  // [terms].
  NpyArray idf;
  // By term, then by number column.
  VectorTable projection;
};

// A named vector space of a bundle.
struct EmbeddingSpace {
  // Points into the bundle's manifest.
  const v1::EmbeddingSpace* spec;
  VectorTable items;
  // Empty when users have no vectors here.
  VectorTable users;
  // Empty when the space has no feature encoder.
  FeatureTables features;
};

// A popularity list: `rows` most popular first, `scores` beside them.
class PopularityList {
 public:
  PopularityList(const v1::PopularityList* spec, NpyArray rows, NpyArray scores)
      : spec_(spec), rows_(std::move(rows)), scores_(std::move(scores)) {}
  const v1::PopularityList& spec() const { return *spec_; }
  std::span<const Row> rows() const { return rows_.elements<Row>(); }
  std::span<const float> scores() const { return scores_.elements<float>(); }

 private:
  const v1::PopularityList* spec_;
  NpyArray rows_;
  NpyArray scores_;
};

// One version, mapped. Immutable and thread-safe; every view it gives lives as
// long as it does.
class Bundle {
 public:
  // Reads and checks the manifest, maps the files and holds their headers
  // against it. Does not read their contents, so that it costs the same for a
  // thousand and for a hundred million users: VerifyBundle reads everything.
  // Errors name the file and the field: NOT_FOUND when there is no manifest,
  // FAILED_PRECONDITION for another format, DATA_LOSS and INVALID_ARGUMENT
  // for what is wrong with a file.
  static absl::StatusOr<std::shared_ptr<const Bundle>> Open(
      const std::filesystem::path& dir);

  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  const v1::Manifest& manifest() const { return manifest_; }
  uint64_t version() const { return manifest_.version(); }
  // The sum of the files' sizes.
  uint64_t size_bytes() const { return size_bytes_; }

  const KeyTable& items() const { return items_; }
  // Of size 0 when the bundle knows no users.
  const KeyTable& users() const { return users_; }

  std::span<const EmbeddingSpace> spaces() const { return spaces_; }
  // nullptr when there is none of that name.
  const EmbeddingSpace* FindSpace(std::string_view name) const;

  std::span<const PopularityList> popularity() const { return popularity_; }
  const PopularityList* FindPopularity(std::string_view name) const;
  // The list made for a segment (from 1), or nullptr.
  const PopularityList* FindSegment(uint32_t segment) const;

  std::span<const NeighborTable> neighbors() const { return neighbors_; }
  // nullptr when there is none of that name.
  const NeighborTable* FindNeighbors(std::string_view name) const;

  // Items the user already had, newest last; empty for kNoRow and for bundles
  // without seen lists. Rows are not checked here: see VerifyBundle.
  std::span<const Row> Seen(Row user) const;
  // The numbers of the categories that the item is in; none for kNoRow and for
  // bundles without categories.
  std::span<const uint16_t> Categories(Row item) const;
  // The user's segment, 0 for none and for kNoRow.
  uint32_t Segment(Row user) const;

  bool HasFile(std::string_view name) const;

  // The arrays behind Seen and Categories as they are stored, unchecked, for
  // VerifyBundle; empty when the bundle has none. The seen items of user u are
  // seen_rows[seen_offsets[u]] to seen_rows[seen_offsets[u + 1]]; item i has
  // the category numbers from i * categories_per_item() on, padded with 0.
  std::span<const uint64_t> seen_offsets() const {
    return seen_offsets_.elements<uint64_t>();
  }
  std::span<const Row> seen_rows() const { return seen_rows_.elements<Row>(); }
  std::span<const uint16_t> category_numbers() const {
    return categories_.elements<uint16_t>();
  }
  uint64_t categories_per_item() const { return categories_.header().columns; }

 private:
  Bundle() = default;

  absl::Status RequireFiles(std::initializer_list<std::string> names,
                            std::string_view why) const;
  absl::Status OpenTable(std::string_view table, const v1::KeyTable& spec,
                         KeyTable* keys);
  absl::StatusOr<VectorTable> OpenVectors(const std::string& stem,
                                          uint64_t vectors, uint32_t dim,
                                          uint64_t table_rows) const;
  absl::StatusOr<FeatureTables> OpenFeatureTables(
      const v1::EmbeddingSpace& space) const;
  absl::Status OpenTables();
  absl::Status OpenSpaces();
  absl::Status OpenPopularity();
  absl::Status OpenNeighbors();
  absl::Status OpenUserLists();
  absl::Status OpenCategories();

  std::filesystem::path dir_;
  v1::Manifest manifest_;
  uint64_t size_bytes_ = 0;
  KeyTable items_;
  KeyTable users_;
  std::vector<EmbeddingSpace> spaces_;
  std::vector<PopularityList> popularity_;
  std::vector<NeighborTable> neighbors_;
  NpyArray seen_offsets_;
  NpyArray seen_rows_;
  NpyArray segments_;
  NpyArray categories_;
};

// Parses manifest.json's text and checks all that can be checked without the
// other files. Unknown fields are rejected by name.
absl::StatusOr<v1::Manifest> ParseManifest(std::string_view json);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_BUNDLE_H_
