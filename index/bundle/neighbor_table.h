#ifndef TRIBUTARY_INDEX_BUNDLE_NEIGHBOR_TABLE_H_
#define TRIBUTARY_INDEX_BUNDLE_NEIGHBOR_TABLE_H_

#include <cstdint>
#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// For each item the items that it speaks for: see v1::NeighborTable. Mapped;
// thread-safe; views live as long as it does.
class NeighborTable {
 public:
  NeighborTable() = default;

  // Opens <dir>/neighbors.<name>.rows.npy and .scores.npy. `spec` outlives the
  // table. Errors: DATA_LOSS, naming file and what was expected, when a type or
  // shape is not that of `n_items` rows of the spec's width.
  static absl::StatusOr<NeighborTable> Open(const std::filesystem::path& dir,
                                            const v1::NeighborTable& spec,
                                            uint64_t n_items);

  const v1::NeighborTable& spec() const { return *spec_; }
  uint32_t width() const { return spec_->width(); }

  // The item's neighbours; none for what is not an item.
  std::span<const Row> Neighbors(Row item) const;
  // Writes the scores of all width() entries, widened to float.
  // REQUIRES: item is below n_items; out has room for width() values.
  void ReadScores(Row item, std::span<float> out) const {
    scores_.Read(item, out);
  }

  // Reads everything: DATA_LOSS, naming file and place, for rows that are not
  // items, are there twice or come after an unused entry, and for scores that
  // are not finite.
  absl::Status CheckValues() const;

 private:
  const v1::NeighborTable* spec_ = nullptr;
  NpyArray rows_;
  VectorTable scores_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_NEIGHBOR_TABLE_H_
