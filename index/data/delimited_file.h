#ifndef TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_
#define TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/mapped_file.h"
#include "index/data/malformed_lines.h"

namespace tributary {

// Reads a file of records with separated fields, record by record. Lines may
// end in CR LF. Empty lines and a byte order mark are skipped. Not thread-safe.
class DelimitedFile {
 public:
  struct Format {
    std::string separator = ",";
    // Fields may be quoted as in RFC 4180: "a ""b"", c", line breaks included.
    bool quoted = false;
  };

  // *malformed must outlive the file. Errors: as MappedFile::Open.
  static absl::StatusOr<DelimitedFile> Open(const std::filesystem::path& path,
                                            Format format,
                                            MalformedLines* malformed);

  // Reads the first record as column names. NOT_FOUND when the file has no
  // record.
  absl::Status ReadHeader();
  // For files without a header: every record has at least this many fields.
  void ExpectFields(size_t fields) { min_fields_ = fields; }

  const std::vector<std::string>& header() const { return header_; }
  // The first column that has one of these names.
  std::optional<size_t> FindColumn(
      std::initializer_list<std::string_view> names) const;
  // As FindColumn, but NOT_FOUND, naming the file and the names, when there is
  // none.
  absl::StatusOr<size_t> NeedColumn(
      std::initializer_list<std::string_view> names) const;

  // Moves to the next record that has as many fields as the header. Counts
  // malformed records on the way. False at the end of the file.
  absl::StatusOr<bool> Next();

  // A field of the current record, trimmed unless quoted; "" when `column` is
  // none. Valid until the next record.
  std::string_view field(std::optional<size_t> column) const {
    return column ? std::string_view(fields_[*column]) : std::string_view();
  }
  size_t size() const { return size_; }
  // Counts this record as malformed: see MalformedLines::Add.
  absl::Status Malformed(std::string_view reason);

  const std::string& name() const { return name_; }
  // The line where the current record begins, from 1.
  uint64_t line() const { return line_; }

 private:
  DelimitedFile(MappedFile file, std::string name, Format format,
                MalformedLines* malformed);

  bool ReadRecord(std::string_view* problem);
  void SplitLine(std::string_view line);
  bool ReadQuotedRecord(std::string_view* problem);
  bool ReadQuotedField(size_t* at, std::string* field,
                       std::string_view* problem);
  std::string_view LineAt(size_t begin) const;
  std::string& NewField();

  MappedFile file_;
  std::string name_;
  Format format_;
  MalformedLines* malformed_;
  std::string_view text_;
  size_t next_ = 0;
  uint64_t line_ = 0;
  uint64_t next_line_ = 1;
  size_t min_fields_ = 0;
  std::vector<std::string> header_;
  // The first size_ are the current record's; the others keep their memory.
  std::vector<std::string> fields_;
  size_t size_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_
