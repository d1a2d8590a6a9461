#ifndef TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
#define TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_

#include <filesystem>
#include <stop_token>

#include "absl/status/status.h"
#include "index/publish/store.h"

namespace tributary {

// Puts the bundle in the store and then moves CURRENT to it: readers see all
// of it or nothing. Errors: Store::PutVersion's and WriteCurrent's.
absl::Status Publish(const std::filesystem::path& bundle_dir, Store* store,
                     const std::stop_token& stop = {});

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_PUBLISH_H_
