#ifndef TRIBUTARY_CLI_CHANGES_FILE_H_
#define TRIBUTARY_CLI_CHANGES_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Reads changes from a file, or from standard input if `file` is "-": CSV whose
// header has the columns `change` (remove or restore) and `item` and may have
// `reason`, or, if it begins with '{', lines of JSON, each a v1.Change:
// {"item": "42", "remove": {"reason": "recalled"}}. All or nothing: errors name
// file and line. INVALID_ARGUMENT for a line that is no change; those of
// DelimitedFile.
absl::StatusOr<std::vector<v1::Change>> ReadChangesFile(
    const std::string& file);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CHANGES_FILE_H_
