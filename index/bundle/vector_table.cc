#include "index/bundle/vector_table.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

float Widen(float value) { return value; }

float Widen(Half value) { return ToFloat(value); }

template <typename T>
absl::Status CheckUsable(std::span<const T> values, uint32_t dim,
                         std::string_view stem) {
  const std::optional<size_t> bad = FindUnusable(values);
  if (!bad.has_value()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}.npy: vector {}, coordinate {}: {}", stem, *bad / dim,
                  *bad % dim, DescribeUnusable(Widen(values[*bad]))));
}

}  // namespace

absl::StatusOr<VectorTable> VectorTable::Open(const std::filesystem::path& dir,
                                              std::string_view stem,
                                              bool has_rows, uint64_t vectors,
                                              uint32_t dim,
                                              uint64_t table_rows) {
  VectorTable table;
  table.stem_ = stem;
  table.all_rows_ = !has_rows;
  ASSIGN_OR_RETURN(table.values_,
                   NpyArray::Open(dir / fmt::format("{}.npy", stem)));
  const NpyHeader& header = table.values_.header();
  if (header.dtype != Dtype::kFloat32 && header.dtype != Dtype::kFloat16) {
    return absl::DataLossError(
        fmt::format("{}.npy: dtype {}, expected <f4 or <f2", stem,
                    DtypeName(header.dtype)));
  }
  if (header.dimensions != 2 || header.rows != vectors ||
      header.columns != dim) {
    return absl::DataLossError(fmt::format(
        "{}.npy: shape ({}, {}), but the manifest says {} vectors of dim {}",
        stem, header.rows, header.columns, vectors, dim));
  }
  if (!has_rows && vectors != table_rows) {
    return absl::DataLossError(
        fmt::format("{}.npy: {} vectors for {} rows, and no {}.rows.npy to say "
                    "which",
                    stem, vectors, table_rows, stem));
  }
  if (has_rows) {
    ASSIGN_OR_RETURN(table.rows_,
                     NpyArray::Open(dir / fmt::format("{}.rows.npy", stem)));
    const NpyHeader& rows = table.rows_.header();
    if (rows.dtype != Dtype::kUint32 || rows.dimensions != 1 ||
        rows.rows != vectors) {
      return absl::DataLossError(
          fmt::format("{}.rows.npy: {} values of {}, expected {} of <u4", stem,
                      rows.rows, DtypeName(rows.dtype), vectors));
    }
  }
  return table;
}

std::optional<uint32_t> VectorTable::Find(Row row) const {
  if (all_rows_) {
    return row < size() ? std::optional<uint32_t>(row) : std::nullopt;
  }
  const auto rows = rows_.elements<uint32_t>();
  // A binary search without unpredictable branches. As rows are unique and
  // ascending, a row's position is at most the row, and at least the row less
  // the number of rows without a vector: the search begins with that range.
  const size_t last = std::min<size_t>(row, rows.size());
  const size_t left_out = rows.empty() ? 0 : rows.back() + 1 - rows.size();
  size_t first = row > left_out ? std::min(row - left_out, last) : 0;
  for (size_t size = last - first; size > 0;) {
    const size_t half = (size + 1) / 2;
    first += rows[first + half - 1] < row ? half : 0;
    size -= half;
  }
  if (first == rows.size() || rows[first] != row) return std::nullopt;
  return static_cast<uint32_t>(first);
}

void VectorTable::Read(uint64_t position, std::span<float> out) const {
  const uint64_t begin = position * dim();
  if (dtype() == Dtype::kFloat32) {
    std::memcpy(out.data(), floats().data() + begin, dim() * sizeof(float));
    return;
  }
  const auto vector = halves().subspan(begin, dim());
  std::transform(vector.begin(), vector.end(), out.begin(),
                 [](Half value) { return Widen(value); });
}

absl::Status VectorTable::CheckValues(uint64_t table_rows) const {
  if (dtype() == Dtype::kFloat32) {
    RETURN_IF_ERROR(CheckUsable(floats(), dim(), stem_));
  } else {
    RETURN_IF_ERROR(CheckUsable(halves(), dim(), stem_));
  }
  if (all_rows_) return absl::OkStatus();
  const auto rows = rows_.elements<uint32_t>();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < table_rows && (i == 0 || rows[i - 1] < rows[i])) continue;
    return absl::DataLossError(
        fmt::format("{}.rows.npy: entry {} is {}; rows must be ascending and "
                    "below {}",
                    stem_, i, rows[i], table_rows));
  }
  return absl::OkStatus();
}

}  // namespace tributary
