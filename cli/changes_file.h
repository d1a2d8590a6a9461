#ifndef TRIBUTARY_CLI_CHANGES_FILE_H_
#define TRIBUTARY_CLI_CHANGES_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Reads changes from a file, or from standard input if `file` is "-".
//
// CSV has a header with the columns `change` and `item`. What a line says in
// the other columns depends on its change; an empty field says nothing:
//
//   remove    reason
//   restore   nothing
//   expire    time, as ParseChangeTime reads it
//   event     user; type, value and time, if need be
//   set       each column is an attribute, as ParseChangeValue reads it
//   upsert    each column is a feature, the same
//
// Input that begins with '{' is lines of JSON, each a v1.Change:
// {"item": "42", "remove": {"reason": "recalled"}}. All or nothing: errors name
// file and line. INVALID_ARGUMENT for a line that is no change; those of
// DelimitedFile.
absl::StatusOr<std::vector<v1::Change>> ReadChangesFile(
    const std::string& file);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CHANGES_FILE_H_
