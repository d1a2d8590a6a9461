#ifndef TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_
#define TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_

#include <filesystem>

#include "absl/status/status.h"
#include "index/bundle/bundle.h"

namespace tributary {

// Runs every check of a version: VerifyBundle, CheckTowers and CheckIndexes.
// Errors: theirs. The second overload opens the bundle first.
absl::Status VerifyOpened(const Bundle& bundle);
absl::Status VerifyVersion(const std::filesystem::path& bundle_dir);

// Whether an error blames the version's bytes, so that verifying the same bytes
// again is useless. Other errors are the host's or the network's. INTERNAL
// counts as the version's, because a search library reports it.
bool BlamesVersion(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_
