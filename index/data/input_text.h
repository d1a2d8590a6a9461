#ifndef TRIBUTARY_INDEX_DATA_INPUT_TEXT_H_
#define TRIBUTARY_INDEX_DATA_INPUT_TEXT_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/bundle/mapped_file.h"

namespace tributary {

// The text of an input file in UTF-8, without a byte order mark, whatever
// encoding and compression the file has. Movable; the text's address does not
// change by a move. Thread-safe after Open.
class InputText {
 public:
  // Reads a whole file. gzip and zstd are recognised by the file's first bytes.
  // `encoding` is `auto`, `utf-8`, `utf-16` or `windows-1252`. auto takes
  //   UTF-16        with a byte order mark, or when every other byte of the
  //                 beginning is 0;
  //   UTF-8         when most of what is not ASCII is valid UTF-8; what is
  //                 not valid is kept, for the reader of the record to reject;
  //   Windows-1252  otherwise. It contains what latin-1 text uses.
  // Errors: those of MappedFile::Open; DATA_LOSS, naming the file, when the
  // compressed data are damaged; INVALID_ARGUMENT when the text is not in the
  // encoding that is stated, or the file is of a kind that is not text
  // (Parquet, Arrow, Excel, zip), with what to do instead.
  static absl::StatusOr<InputText> Open(const std::filesystem::path& path,
                                        std::string_view encoding);

  std::string_view text() const { return text_; }
  // "UTF-8", "UTF-8 with a byte order mark", "UTF-16" or "Windows-1252";
  // "ASCII" where that is all there is.
  const std::string& encoding() const { return encoding_; }
  // "gzip", "zstd" or "".
  const std::string& compression() const { return compression_; }

 private:
  InputText() = default;
  absl::Status Decode(const std::string& name, std::string_view encoding);

  MappedFile file_;
  // The text, where it is not the file's own bytes.
  std::unique_ptr<std::string> converted_;
  std::string_view text_;
  std::string encoding_;
  std::string compression_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INPUT_TEXT_H_
