#ifndef TRIBUTARY_CLI_EVAL_LISTS_FILE_H_
#define TRIBUTARY_CLI_EVAL_LISTS_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evaluation/given_lists.h"

namespace tributary {

// A file of candidate lists, and the name that tables and charts call it by.
struct ListsFile {
  std::string name;
  std::string path;
};

// Parses the values of --lists, each NAME=FILE or FILE, whose name is then that
// of the file without its folder and extension. INVALID_ARGUMENT when two have
// one name, or when a name is empty or that of one of the bundle's lists, which
// are in `taken`.
absl::StatusOr<std::vector<ListsFile>> ParseListsFlags(
    const std::vector<std::string>& values,
    const std::vector<std::string>& taken);

// Adds the file's entries to *lists. The file has a header that names, in any
// order and among others, a column of users, one of items, and a rank (lowest
// first) or a score (highest first); a rank is preferred. Commas, tabs,
// semicolons or | separate fields, which may be quoted. Counts malformed lines,
// with an unusable key or number, in *malformed, which may be null. Errors:
// NOT_FOUND, naming the file, its header and the column that it lacks;
// DATA_LOSS above 100 malformed lines; those of opening files.
absl::Status ReadListsFile(const std::string& path, GivenLists* lists,
                           uint64_t* malformed);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_LISTS_FILE_H_
