#ifndef TRIBUTARY_CLI_ITEM_SET_UPLOAD_H_
#define TRIBUTARY_CLI_ITEM_SET_UPLOAD_H_

#include <istream>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Reads keys of items, one on each line, and calls `send` with the messages of
// Bundles.PutItemSet for the set `name`, of which there is at least one. Empty
// lines are passed over, and so is the end of lines that Windows writes. Stops
// when `send` returns false. Errors begin with `file`: INVALID_ARGUMENT for a
// line that is not UTF-8, DATA_LOSS when reading fails.
absl::Status SendItemSet(
    std::istream& lines, const std::string& file, const std::string& name,
    absl::FunctionRef<bool(const v1::PutItemSetRequest&)> send);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_ITEM_SET_UPLOAD_H_
