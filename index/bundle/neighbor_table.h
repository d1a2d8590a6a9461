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

// For each item of a history, the items that it recommends, with scores:
// v1::NeighborTable describes the files. Mapped, immutable and thread-safe.
// Views are valid as long as the table.
class NeighborTable {
 public:
  NeighborTable() = default;

  // Maps <dir>/neighbors.<name>.rows.npy and .scores.npy. `spec` must outlive
  // the table. DATA_LOSS, naming the file and what was expected, unless both
  // are [n_items, spec.width()] of the right type.
  static absl::StatusOr<NeighborTable> Open(const std::filesystem::path& dir,
                                            const v1::NeighborTable& spec,
                                            uint64_t n_items);

  const v1::NeighborTable& spec() const { return *spec_; }
  uint32_t width() const { return spec_->width(); }

  // The item's neighbours, at most width(); empty for a row that is no item.
  std::span<const Row> Neighbors(Row item) const;
  // Writes the scores of all width() entries, widened to float.
  // REQUIRES: item is below n_items; out has room for width() values.
  void ReadScores(Row item, std::span<float> out) const {
    scores_.Read(item, out);
  }

  // Reads everything. DATA_LOSS, naming file and entry, for neighbours that are
  // not items, occur twice for an item or follow an unused entry, and for
  // scores that are not finite or beyond kMaxMagnitude.
  absl::Status CheckValues() const;

 private:
  const v1::NeighborTable* spec_ = nullptr;
  NpyArray rows_;
  VectorTable scores_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_NEIGHBOR_TABLE_H_
