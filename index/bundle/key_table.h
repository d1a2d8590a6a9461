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

// The keys of a table as a builder has them: all integers, or all strings;
// unique and ascending, strings in byte order. A key's index is its row.
struct KeyList {
  v1::KeyKind kind = v1::UINT64;
  std::vector<uint64_t> ids;
  std::vector<std::string> strings;

  size_t size() const {
    return kind == v1::UINT64 ? ids.size() : strings.size();
  }
  // The key as text, whatever its kind.
  std::string text(Row row) const;
};

// Sets *id and returns true if `text` is a decimal integer in canonical form:
// digits without sign or leading zeros, below 2^64.
bool ParseDecimalKey(std::string_view text, uint64_t* id);

// The keys of a bundle's items or users, mapped. Rows are found by binary
// search in the file, so that opening takes no time per key. Immutable and
// thread-safe.
class KeyTable {
 public:
  KeyTable() = default;

  // Maps <dir>/<table>.keys.npy (integer keys), or <table>.keys.utf8 and
  // <table>.keys.offsets.npy (string keys), and compares the shapes with
  // `spec`. Does not read the keys: see CheckKeys. DATA_LOSS, naming the file;
  // errors of NpyArray::Open.
  static absl::StatusOr<KeyTable> Open(const std::filesystem::path& dir,
                                       std::string_view table,
                                       const v1::KeyTable& spec);

  v1::KeyKind kind() const { return kind_; }
  uint64_t size() const { return size_; }

  // The row of a key, or kNoRow. In a table of the other kind an integer is
  // looked up by its decimal text, and a string as a decimal integer.
  Row Find(uint64_t id) const;
  Row Find(std::string_view key) const;

  // REQUIRES: row < size(); kind() is UINT64 for id(), UTF8 for string(), whose
  // result is valid as long as the table.
  uint64_t id(Row row) const { return ids_.elements<uint64_t>()[row]; }
  std::string_view string(Row row) const;
  // The key as text, whatever its kind. REQUIRES: row < size().
  std::string text(Row row) const;

  // Reads every key. DATA_LOSS, naming file and row, unless the keys are unique
  // and ascending and the offsets lie within the file.
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
