#ifndef TRIBUTARY_INDEX_VERIFY_VERIFY_BUNDLE_H_
#define TRIBUTARY_INDEX_VERIFY_VERIFY_BUNDLE_H_

#include <filesystem>

#include "absl/status/status.h"
#include "index/bundle/bundle.h"

namespace tributary {

// Reads the whole bundle: hashes every file, and checks keys, vectors, rows and
// lists element by element. Code that serves a bundle that passed needs no
// further checks. Indexes, towers and golden queries are not run here: see
// VerifyVersion. Errors: DATA_LOSS, naming file and field; those of
// Bundle::Open.
absl::Status VerifyBundle(const Bundle& bundle);
absl::Status VerifyBundle(const std::filesystem::path& dir);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_VERIFY_VERIFY_BUNDLE_H_
