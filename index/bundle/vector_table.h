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

// Vectors, float32 or float16, of some or all rows of a key table: those of
// the items or of the users of an embedding space. A vector's *position* is
// its place in the file; positions are in the order of rows. Thread-safe.
class VectorTable {
 public:
  VectorTable() = default;

  // Opens <dir>/<stem>.npy and, if `has_rows`, <dir>/<stem>.rows.npy. Errors:
  // DATA_LOSS, naming file and what was expected, when the shape is not
  // [vectors, dim] or there are more vectors than `table_rows`.
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
  // The position of the row's vector, if it has one.
  std::optional<uint32_t> Find(Row row) const;
  // Writes the vector's dim() values, widened to float.
  // REQUIRES: position < size(); out has room for dim() values.
  void Read(uint64_t position, std::span<float> out) const;

  // Every value in C order. REQUIRES: dtype() is the element's.
  std::span<const float> floats() const { return values_.elements<float>(); }
  std::span<const Half> halves() const { return values_.elements<Half>(); }

  // Reads everything: DATA_LOSS, naming file and place, for NaN, infinity, or
  // rows that are not ascending and below `table_rows`.
  absl::Status CheckValues(uint64_t table_rows) const;

 private:
  NpyArray values_;
  NpyArray rows_;
  bool all_rows_ = true;
  std::string stem_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VECTOR_TABLE_H_
