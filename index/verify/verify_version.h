#ifndef TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_
#define TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_

#include <filesystem>

#include "absl/status/status.h"
#include "index/bundle/bundle.h"

namespace tributary {

// All the checks there are: VerifyBundle, CheckTowers and CheckIndexes.
absl::Status VerifyOpened(const Bundle& bundle);
absl::Status VerifyVersion(const std::filesystem::path& bundle_dir);

// True for errors that say that a version's bytes are bad, so that to try the
// same again is useless; others are the host's or the network's. INTERNAL is
// what a search library reports.
bool BlamesVersion(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_VERIFY_VERIFY_VERSION_H_
