#ifndef TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
#define TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_

#include <filesystem>

#include "absl/status/status.h"
#include "index/publish/store.h"

namespace tributary {

// Puts the bundle in the store and then moves CURRENT to it: readers see all
// of it or nothing. Signs it with the private key in `key`, if given; without
// one it keeps the signature it has. Errors: SignManifest's,
// Store::PutVersion's and WriteCurrent's.
absl::Status Publish(const std::filesystem::path& bundle_dir, Store* store,
                     const std::filesystem::path& key = {});

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
