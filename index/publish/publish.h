#ifndef TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
#define TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_

#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/publish/store.h"

namespace tributary {

// Puts the bundle into the store and then moves CURRENT to it, so that readers
// see all of it or nothing. Signs the manifest with the private key in the file
// `key`, if given, and CURRENT, too (see Refresh); otherwise keeps the bundle's
// signature, if it has one. Errors: those of OpenVersionSource, SignManifest,
// Store::PutVersion and Store::WriteCurrent.
absl::Status Publish(const std::filesystem::path& bundle_dir, Store* store,
                     const std::filesystem::path& key = {});

// Signs the store's CURRENT now, for loaders that follow none that is older
// than some time, and returns the version. Errors: FAILED_PRECONDITION without
// a CURRENT; those of SignManifest, Store::ReadCurrent and Store::WriteCurrent.
absl::StatusOr<uint64_t> Refresh(Store* store,
                                 const std::filesystem::path& key);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
