#ifndef TRIBUTARY_INDEX_DATA_INPUT_TABLE_H_
#define TRIBUTARY_INDEX_DATA_INPUT_TABLE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/delimited_file.h"
#include "index/data/read_tables.h"

namespace tributary {

// Files with the same header that are read as one table, one after the other.
// All of them stay open; those that are compressed or not in UTF-8 are in
// memory as a whole. Not thread-safe.
class InputTable {
 public:
  // Opens the files and reads their headers. A header whose names all carry a
  // type of RecBole's is split, whatever the form. Errors: those of
  // DelimitedFile; INVALID_ARGUMENT naming two files whose headers differ, and
  // a header of RecBole's with a column without a type. REQUIRES: there is a
  // file.
  static absl::StatusOr<InputTable> Open(
      std::span<const std::filesystem::path> files, TableForm form,
      const TableContext& context);

  // The same for one file by itself, with nothing stated of it; it is RecBole's
  // if its name says so.
  static absl::StatusOr<InputTable> OpenFile(const std::filesystem::path& path,
                                             MalformedLines* malformed);

  // The columns' names and, of a typed header, their types.
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::string>& types() const { return types_; }
  // The first file's name: what errors about the whole table name.
  const std::string& name() const { return files_.front().name(); }
  uint64_t records() const { return records_; }

  // Calls record(file) for every record, from the first one on. It returns what
  // is wrong with the record, or "".
  absl::Status ForEach(
      const std::function<std::string_view(const DelimitedFile&)>& record);

  // Says which files these are, and how they are written.
  void Describe(InputReport* report) const;

 private:
  std::vector<DelimitedFile> files_;
  std::vector<std::string> names_;
  std::vector<std::string> types_;
  uint64_t records_ = 0;
  bool read_ = false;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INPUT_TABLE_H_
