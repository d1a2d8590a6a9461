#ifndef TRIBUTARY_INDEX_BUNDLE_KEY_TABLE_H_
#define TRIBUTARY_INDEX_BUNDLE_KEY_TABLE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Keys as the builder has them: all integers or all strings, ascending (string
// keys in byte order), unique. The position is the row.
struct KeyList {
  v1::KeyKind kind = v1::UINT64;
  std::vector<uint64_t> ids;
  std::vector<std::string> strings;

  size_t size() const {
    return kind == v1::UINT64 ? ids.size() : strings.size();
  }
  // Either kind, as text.
  std::string text(Row row) const;
};

// True, and *id set, when `text` is a decimal integer as we print it: digits
// without sign or leading zeros, below 2^64.
bool ParseDecimalKey(std::string_view text, uint64_t* id);

// The mapped keys of a bundle's items or users. Rows are found by binary
// search in the file: opening costs nothing per key. Thread-safe.
class KeyTable {
 public:
  KeyTable() = default;

  // Opens <dir>/<table>.keys.npy, or .keys.utf8 and .keys.offsets.npy, and
  // checks sizes against `spec`. Does not read the keys: see CheckKeys.
  static absl::StatusOr<KeyTable> Open(const std::filesystem::path& dir,
                                       std::string_view table,
                                       const v1::KeyTable& spec);

  v1::KeyKind kind() const { return kind_; }
  uint64_t size() const { return size_; }

  // kNoRow when there is no such key, or keys are of the other kind.
  Row Find(uint64_t id) const;
  // A decimal key is looked up as an integer where keys are integers.
  Row Find(std::string_view key) const;

  // REQUIRES: row < size(), and keys of that kind.
  uint64_t id(Row row) const { return ids_.elements<uint64_t>()[row]; }
  // Valid as long as the table.
  std::string_view string(Row row) const;
  // Either kind, as text.
  std::string text(Row row) const;

  // Reads every key: DATA_LOSS, naming file and row, unless keys are unique
  // and ascending, and offsets are within the file.
  absl::Status CheckKeys() const;

 private:
  v1::KeyKind kind_ = v1::UINT64;
  uint64_t size_ = 0;
  std::string table_;
  NpyArray ids_;
  NpyArray offsets_;
  MappedFile utf8_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_KEY_TABLE_H_
