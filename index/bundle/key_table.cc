#include "index/bundle/key_table.h"

#include <algorithm>
#include <charconv>

#include "fmt/core.h"
#include "status/status_macros.h"
#include "text/quoted.h"
#include "text/utf8.h"

namespace tributary {
namespace {

absl::Status CheckShape(const NpyHeader& header, uint64_t rows,
                        std::string_view file, std::string_view field) {
  if (header.dtype == Dtype::kUint64 && header.dimensions == 1 &&
      header.rows == rows) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "{}: {} values of {} in {} dimensions, expected {} of <u8 in 1: {}", file,
      header.rows, DtypeName(header.dtype), header.dimensions, rows, field));
}

}  // namespace

bool ParseDecimalKey(std::string_view text, uint64_t* id) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *id);
  return error == std::errc() && stop == end;
}

std::string KeyList::text(Row row) const {
  return kind == v1::UINT64 ? fmt::format("{}", ids[row]) : strings[row];
}

absl::StatusOr<KeyTable> KeyTable::Open(const std::filesystem::path& dir,
                                        std::string_view table,
                                        const v1::KeyTable& spec) {
  KeyTable keys;
  keys.kind_ = spec.kind();
  keys.size_ = spec.count();
  keys.table_ = table;
  const std::string field = fmt::format("{}.count", table);
  if (spec.count() >= kNoRow) {
    return absl::DataLossError(fmt::format("{}: {}, expected less than {}",
                                           field, spec.count(), kNoRow));
  }
  if (spec.kind() == v1::UINT64) {
    const std::string file = fmt::format("{}.keys.npy", table);
    ASSIGN_OR_RETURN(keys.ids_, NpyArray::Open(dir / file));
    RETURN_IF_ERROR(CheckShape(keys.ids_.header(), spec.count(), file, field));
    return keys;
  }
  const std::string file = fmt::format("{}.keys.offsets.npy", table);
  ASSIGN_OR_RETURN(keys.offsets_, NpyArray::Open(dir / file));
  RETURN_IF_ERROR(
      CheckShape(keys.offsets_.header(), spec.count() + 1, file, field));
  ASSIGN_OR_RETURN(keys.utf8_,
                   MappedFile::Open(dir / fmt::format("{}.keys.utf8", table)));
  return keys;
}

Row KeyTable::Find(uint64_t id) const {
  if (kind_ != v1::UINT64) return Find(fmt::format("{}", id));
  if (size_ == 0) return kNoRow;
  const auto ids = ids_.elements<uint64_t>();
  const auto it = std::lower_bound(ids.begin(), ids.end(), id);
  if (it == ids.end() || *it != id) return kNoRow;
  return static_cast<Row>(it - ids.begin());
}

Row KeyTable::Find(std::string_view key) const {
  if (kind_ == v1::UINT64) {
    uint64_t id = 0;
    return ParseDecimalKey(key, &id) ? Find(id) : kNoRow;
  }
  uint64_t low = 0;
  uint64_t high = size_;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (string(static_cast<Row>(middle)) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == size_ || string(static_cast<Row>(low)) != key) return kNoRow;
  return static_cast<Row>(low);
}

std::string_view KeyTable::string(Row row) const {
  const auto offsets = offsets_.elements<uint64_t>();
  // The offsets in a file that was not verified may be wrong; clamped, they
  // cannot lead outside of the file.
  const uint64_t size = utf8_.bytes().size();
  const uint64_t begin = std::min(offsets[row], size);
  const uint64_t end = std::clamp(offsets[row + 1], begin, size);
  return {reinterpret_cast<const char*>(utf8_.bytes().data()) + begin,
          end - begin};
}

std::string KeyTable::text(Row row) const {
  return kind_ == v1::UINT64 ? fmt::format("{}", id(row))
                             : std::string(string(row));
}

absl::Status KeyTable::CheckKeys() const {
  if (kind_ == v1::UINT64) {
    const auto ids = ids_.elements<uint64_t>();
    for (uint64_t row = 1; row < size_; ++row) {
      if (ids[row - 1] < ids[row]) continue;
      return absl::DataLossError(fmt::format(
          "{}.keys.npy: the key of row {}, {}, does not come after {}: keys "
          "must be unique and ascending",
          table_, row, ids[row], ids[row - 1]));
    }
    return absl::OkStatus();
  }
  const auto offsets = offsets_.elements<uint64_t>();
  const uint64_t bytes = utf8_.bytes().size();
  if (offsets.front() != 0 || offsets.back() != bytes) {
    return absl::DataLossError(fmt::format(
        "{}.keys.offsets.npy: the offsets run from {} to {}, but {}.keys.utf8 "
        "from 0 to {}",
        table_, offsets.front(), offsets.back(), table_, bytes));
  }
  for (uint64_t row = 0; row < size_; ++row) {
    if (offsets[row] >= offsets[row + 1]) {
      return absl::DataLossError(
          fmt::format("{}.keys.offsets.npy: row {} ends at {}, not after its "
                      "beginning at {}",
                      table_, row, offsets[row + 1], offsets[row]));
    }
    const Row r = static_cast<Row>(row);
    if (row > 0 && string(r - 1) >= string(r)) {
      return absl::DataLossError(fmt::format(
          "{}.keys.utf8: the key of row {}, {}, does not come after {}: keys "
          "must be unique and in byte order",
          table_, row, Quoted(string(r)), Quoted(string(r - 1))));
    }
    // A reply with such a key could not be read by any client.
    if (!IsUtf8(string(r))) {
      return absl::DataLossError(
          fmt::format("{}.keys.utf8: the key of row {}, {}, is not UTF-8",
                      table_, row, Quoted(string(r))));
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary
