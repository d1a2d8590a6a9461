// Reading a bundle, format 1: a directory with manifest.json and the files that
// the manifest lists. tributary/v1/manifest.proto describes both; BundleWriter
// writes them.
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
#include "index/bundle/attribute_column.h"
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
// The files of the popularity lists that have a `begin`, end to end.
inline constexpr char kListsFile[] = "popularity.lists.npy";
inline constexpr char kListScoresFile[] = "popularity.lists.scores.npy";
inline constexpr uint32_t kMaxDim = 4096;

// The tables with which items of a space are encoded from their features, as
// v1::FeatureEncoder describes.
struct FeatureTables {
  KeyTable terms;
  // float32 [terms].
  NpyArray idf;
  // [terms + number columns, dim]: the rows of the terms, then of the columns.
  VectorTable projection;
};

// A named embedding space of a bundle.
struct EmbeddingSpace {
  // Points into the bundle's manifest.
  const v1::EmbeddingSpace* spec;
  VectorTable items;
  // Empty when users have no vectors in this space.
  VectorTable users;
  // Empty when the space has no feature encoder.
  FeatureTables features;
};

// A popularity list: item rows, most popular first, and their scores. Points
// into the bundle.
class PopularityList {
 public:
  PopularityList(const v1::PopularityList* spec, std::span<const Row> rows,
                 std::span<const float> scores)
      : spec_(spec), rows_(rows), scores_(scores) {}
  const v1::PopularityList& spec() const { return *spec_; }
  std::span<const Row> rows() const { return rows_; }
  std::span<const float> scores() const { return scores_; }

 private:
  const v1::PopularityList* spec_;
  std::span<const Row> rows_;
  std::span<const float> scores_;
};

// One version, mapped into memory. Immutable and thread-safe. Every view that
// it returns is valid as long as the bundle.
class Bundle {
 public:
  // Reads and checks the manifest, maps the files and compares their headers
  // with it. Does not read their contents, so that opening takes as long for a
  // hundred million users as for a thousand; VerifyBundle reads everything.
  // Errors name the file and the field: NOT_FOUND when there is no manifest;
  // FAILED_PRECONDITION for another format; INVALID_ARGUMENT when the manifest
  // or the header of an array is malformed; DATA_LOSS when a file is missing or
  // differs from the manifest.
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
  // Empty when the bundle has no users.
  const KeyTable& users() const { return users_; }

  std::span<const EmbeddingSpace> spaces() const { return spaces_; }
  // nullptr when there is no space of that name.
  const EmbeddingSpace* FindSpace(std::string_view name) const;

  std::span<const PopularityList> popularity() const { return popularity_; }
  // nullptr when there is no list of exactly that name.
  const PopularityList* FindPopularity(std::string_view name) const;
  // The list of a segment (from 1), or nullptr.
  const PopularityList* FindSegment(uint32_t segment) const;

  std::span<const NeighborTable> neighbors() const { return neighbors_; }
  // nullptr when there is no table of that name.
  const NeighborTable* FindNeighbors(std::string_view name) const;

  std::span<const AttributeColumn> attributes() const { return attributes_; }
  // nullptr when there is no attribute of that name.
  const AttributeColumn* FindAttribute(std::string_view name) const;

  // The items that the user has had, newest last; empty for kNoRow and for
  // bundles without seen lists. VerifyBundle checks the rows, this does not.
  std::span<const Row> Seen(Row user) const;
  // Those of them that the user wanted, which are the last ones: the user's
  // history. The others are excluded from answers and say nothing else.
  std::span<const Row> Wanted(Row user) const;
  // The numbers (from 1) of the item's categories; empty for kNoRow and for
  // bundles without categories.
  std::span<const uint16_t> Categories(Row item) const;
  // The user's segment (from 1), or 0: no segment, or kNoRow.
  uint32_t Segment(Row user) const;

  // Whether the manifest lists a file of that name.
  bool HasFile(std::string_view name) const;

  // The arrays behind Seen and Categories as they are stored, unchecked, for
  // VerifyBundle; empty when the bundle has none. The seen items of user u are
  // seen_rows[seen_offsets[u]] up to, but not including,
  // seen_rows[seen_offsets[u + 1]]. Item i has the categories_per_item()
  // category numbers from i * categories_per_item() on, padded with 0.
  std::span<const uint64_t> seen_offsets() const {
    return seen_offsets_.elements<uint64_t>();
  }
  std::span<const Row> seen_rows() const { return seen_rows_.elements<Row>(); }
  // By user: where the wanted items begin among seen_rows. Empty: all are.
  std::span<const uint64_t> seen_wanted() const {
    return seen_wanted_.elements<uint64_t>();
  }
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
  absl::Status OpenOwnList(const v1::PopularityList& spec);
  absl::Status OpenSharedLists();
  absl::Status OpenPopularity();
  absl::Status OpenNeighbors();
  absl::Status OpenAttributes();
  absl::Status OpenUserLists();
  absl::Status OpenCategories();

  std::filesystem::path dir_;
  v1::Manifest manifest_;
  uint64_t size_bytes_ = 0;
  KeyTable items_;
  KeyTable users_;
  std::vector<EmbeddingSpace> spaces_;
  // The arrays of lists with files of their own, and of those that share files.
  std::vector<NpyArray> list_arrays_;
  NpyArray shared_rows_;
  NpyArray shared_scores_;
  std::vector<PopularityList> popularity_;
  // Indices of popularity_: in order of the names, and by segment; UINT32_MAX
  // for a segment without list.
  std::vector<uint32_t> lists_by_name_;
  std::vector<uint32_t> lists_by_segment_;
  std::vector<NeighborTable> neighbors_;
  std::vector<AttributeColumn> attributes_;
  NpyArray seen_offsets_;
  NpyArray seen_rows_;
  NpyArray seen_wanted_;
  NpyArray segments_;
  NpyArray categories_;
};

// Parses the text of manifest.json and checks everything that can be checked
// without the other files. INVALID_ARGUMENT, naming the field, for malformed
// JSON, unknown fields and values out of range; FAILED_PRECONDITION for another
// format.
absl::StatusOr<v1::Manifest> ParseManifest(std::string_view json);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_BUNDLE_H_
