#ifndef TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_
#define TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/input_text.h"
#include "index/data/malformed_lines.h"

namespace tributary {

// Reads a file of records with separated fields, record by record. Lines may
// end in CR LF, LF or CR. Empty lines are skipped, and so is a first line
// "sep=;", by which spreadsheets name the separator. Not thread-safe.
class DelimitedFile {
 public:
  struct Format {
    // Empty: recognised from the first lines, among tab, semicolon, comma, |
    // and ::.
    std::string separator = ",";
    // Fields may be quoted as in RFC 4180: "a ""b"", c", line breaks included.
    bool quoted = false;
    // As InputText::Open takes it.
    std::string encoding = "auto";
  };

  // *malformed must outlive the file. Errors: as InputText::Open.
  static absl::StatusOr<DelimitedFile> Open(const std::filesystem::path& path,
                                            Format format,
                                            MalformedLines* malformed);

  // Reads the first record as column names. NOT_FOUND when the file has no
  // record.
  absl::Status ReadHeader();
  // For files without a header: every record has at least this many fields.
  void ExpectFields(size_t fields) { min_fields_ = fields; }

  const std::vector<std::string>& header() const { return header_; }
  // Moves to the next record that has as many fields as the header. Counts
  // malformed records on the way. False at the end of the file. DATA_LOSS when
  // too many records are malformed: see MalformedLines.
  absl::StatusOr<bool> Next();
  // Returns to the first record behind the header. REQUIRES: Next returned
  // false. Records that it counted as malformed are not counted again.
  void Rewind();

  // A field of the current record without the blanks around it, unless it is
  // quoted; "" when `column` is none. Valid until the next record.
  std::string_view field(std::optional<size_t> column) const;
  // The same with all its blanks.
  std::string_view verbatim(size_t column) const {
    return fields_[column].text;
  }
  size_t size() const { return size_; }
  // Counts this record as malformed: see MalformedLines::Add.
  absl::Status Malformed(std::string_view reason);

  const std::string& name() const { return name_; }
  // The line where the current record begins, from 1.
  uint64_t line() const { return line_; }
  const InputText& input() const { return input_; }
  const std::string& separator() const { return format_.separator; }

 private:
  struct Field {
    std::string_view text;
    bool quoted = false;
  };

  DelimitedFile(InputText input, std::string name, Format format,
                MalformedLines* malformed);

  void ReadPreamble();
  void RecogniseSeparator();
  bool ReadRecord(std::string* problem);
  void SplitLine(std::string_view line);
  bool ReadQuotedRecord(std::string* problem);
  bool ReadQuotedField(size_t* at, std::string* problem);
  bool ReadQuotes(size_t quote, size_t* at, std::string* problem);
  bool SwallowsRecords(size_t opened, size_t closed) const;
  bool IsRecord(std::string_view line) const;
  std::string_view LineAt(size_t begin) const;
  size_t LinesBetween(size_t begin, size_t end) const;

  InputText input_;
  std::string name_;
  Format format_;
  MalformedLines* malformed_;
  std::string_view text_;
  // What ends a line.
  char newline_ = '\n';
  size_t next_ = 0;
  uint64_t line_ = 0;
  uint64_t next_line_ = 1;
  size_t min_fields_ = 0;
  std::vector<std::string> header_;
  // Where the records begin.
  size_t first_ = 0;
  uint64_t first_line_ = 1;
  // How many records were read, malformed ones included.
  uint64_t records_ = 0;
  bool rewound_ = false;
  // The first size_ are the current record's.
  std::vector<Field> fields_;
  size_t size_ = 0;
  // Fields with doubled quotes, as they are meant.
  std::deque<std::string> unescaped_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DELIMITED_FILE_H_
