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
  // Limits of each file: a number of lines, and a share of its records.
  explicit MalformedLines(uint32_t limit, double limit_share = 0.5)
      : limit_(limit), limit_share_(limit_share) {}

  // Counts a malformed line. DATA_LOSS, naming the file's first malformed line,
  // when the file now has more of them than the limit.
  absl::Status Add(const std::string& file, uint64_t line,
                   std::string_view reason);

  // To be called when all of a file's records are read. DATA_LOSS, naming the
  // file's first malformed line, when more than the share of them is malformed.
  absl::Status CheckShare(const std::string& file, uint64_t records) const;

  uint64_t count() const { return count_; }
  // Stores the count and the first lines in *data.
  void MoveTo(DataSet* data);

 private:
  struct OfFile {
    uint64_t count = 0;
    std::string first;
  };

  uint32_t limit_;
  double limit_share_;
  uint64_t count_ = 0;
  std::vector<std::string> first_;
  std::map<std::string, OfFile> files_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_MALFORMED_LINES_H_
