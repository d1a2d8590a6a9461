#ifndef TRIBUTARY_INDEX_BUNDLE_VECTOR_TABLE_H_
#define TRIBUTARY_INDEX_BUNDLE_VECTOR_TABLE_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"

namespace tributary {

// The vectors, float32 or float16, of some or all rows of a key table, such as
// the items of an embedding space. A vector's *position* is its index in the
// file; positions ascend with rows. Mapped, immutable and thread-safe.
class VectorTable {
 public:
  VectorTable() = default;

  // Maps <dir>/<stem>.npy and, if `has_rows`, <dir>/<stem>.rows.npy, which has
  // the row of each vector; without it, position i is row i. DATA_LOSS, naming
  // the file and what was expected, when the shapes are not [vectors, dim] and
  // [vectors], or when there is no rows file and `vectors` is not `table_rows`.
  static absl::StatusOr<VectorTable> Open(const std::filesystem::path& dir,
                                          std::string_view stem, bool has_rows,
                                          uint64_t vectors, uint32_t dim,
                                          uint64_t table_rows);

  uint64_t size() const { return values_.header().rows; }
  uint32_t dim() const {
    return static_cast<uint32_t>(values_.header().columns);
  }
  Dtype dtype() const { return values_.header().dtype; }
  uint64_t size_bytes() const {
    return values_.size_bytes() + rows_.size_bytes();
  }

  // REQUIRES: position < size().
  Row row(uint64_t position) const {
    return all_rows_ ? static_cast<Row>(position)
                     : rows_.elements<uint32_t>()[position];
  }
  // The position of the row's vector, if it has one. O(log size()).
  std::optional<uint32_t> Find(Row row) const;
  // Writes the vector's dim() values, widened to float.
  // REQUIRES: position < size(); out has room for dim() values.
  void Read(uint64_t position, std::span<float> out) const;

  // All values, [size(), dim()] in C order. REQUIRES: dtype() is that type.
  std::span<const float> floats() const { return values_.elements<float>(); }
  std::span<const Half> halves() const { return values_.elements<Half>(); }

  // Reads everything. DATA_LOSS, naming file and entry, for values that are not
  // finite or beyond kMaxMagnitude, and for rows that are not ascending or not
  // below `table_rows`.
  absl::Status CheckValues(uint64_t table_rows) const;

 private:
  NpyArray values_;
  NpyArray rows_;
  bool all_rows_ = true;
  std::string stem_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VECTOR_TABLE_H_
