#ifndef TRIBUTARY_INDEX_DATA_MALFORMED_LINES_H_
#define TRIBUTARY_INDEX_DATA_MALFORMED_LINES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "index/data/data_set.h"

namespace tributary {

// Counts the lines that readers skip, per file. Not thread-safe.
class MalformedLines {
 public:
  explicit MalformedLines(uint32_t limit_per_file) : limit_(limit_per_file) {}

  // Counts a malformed line. DATA_LOSS, naming the file's first malformed line,
  // when the file now has more of them than the limit.
  absl::Status Add(const std::string& file, uint64_t line,
                   std::string_view reason);

  uint64_t count() const { return count_; }
  // Stores the count and the first lines in *data.
  void MoveTo(DataSet* data);

 private:
  struct OfFile {
    uint64_t count = 0;
    std::string first;
  };

  uint32_t limit_;
  uint64_t count_ = 0;
  std::vector<std::string> first_;
  std::map<std::string, OfFile> files_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_MALFORMED_LINES_H_
