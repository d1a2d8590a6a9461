#include "index/bundle/neighbor_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

std::string Stem(const v1::NeighborTable& spec) {
  return fmt::format("neighbors.{}", spec.name());
}

}  // namespace

absl::StatusOr<NeighborTable> NeighborTable::Open(
    const std::filesystem::path& dir, const v1::NeighborTable& spec,
    uint64_t n_items) {
  NeighborTable table;
  table.spec_ = &spec;
  const std::string rows_file = Stem(spec) + ".rows.npy";
  ASSIGN_OR_RETURN(table.rows_, NpyArray::Open(dir / rows_file));
  const NpyHeader& rows = table.rows_.header();
  if (rows.dtype != Dtype::kUint32 || rows.dimensions != 2 ||
      rows.rows != n_items || rows.columns != spec.width()) {
    return absl::DataLossError(fmt::format(
        "{}: shape ({}, {}) of {}, expected ({}, {}) of <u4: items.count and "
        "neighbors[\"{}\"].width",
        rows_file, rows.rows, rows.columns, DtypeName(rows.dtype), n_items,
        spec.width(), spec.name()));
  }
  ASSIGN_OR_RETURN(table.scores_, VectorTable::Open(dir, Stem(spec) + ".scores",
                                                    /*has_rows=*/false, n_items,
                                                    spec.width(), n_items));
  return table;
}

std::span<const Row> NeighborTable::Neighbors(Row item) const {
  // The item may come from a seen list that was not verified.
  if (item >= rows_.header().rows) return {};
  const auto row =
      rows_.elements<Row>().subspan(uint64_t{item} * width(), width());
  return row.first(static_cast<size_t>(
      std::find(row.begin(), row.end(), kNoRow) - row.begin()));
}

absl::Status NeighborTable::CheckValues() const {
  const uint64_t n_items = rows_.header().rows;
  // By row: the last item that has it as a neighbour.
  std::vector<Row> last(n_items, kNoRow);
  for (Row item = 0; item < n_items; ++item) {
    const auto row =
        rows_.elements<Row>().subspan(uint64_t{item} * width(), width());
    const size_t used = Neighbors(item).size();
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is_item = row[i] < n_items;
      if (i < used ? is_item && last[row[i]] != item : row[i] == kNoRow) {
        if (i < used) last[row[i]] = item;
        continue;
      }
      return absl::DataLossError(fmt::format(
          "{}.rows.npy: item {}, entry {} is {}, which {}", Stem(*spec_), item,
          i, row[i],
          i >= used ? "follows an unused entry"
                    : (is_item ? "occurs twice" : "is not an item")));
    }
  }
  return scores_.CheckValues(n_items);
}

}  // namespace tributary
