// Copies a version from a store to a directory, such that readers see all of it
// or nothing.
#ifndef TRIBUTARY_INDEX_PUBLISH_FETCH_VERSION_H_
#define TRIBUTARY_INDEX_PUBLISH_FETCH_VERSION_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "index/publish/store.h"
#include "index/verify/verify_version.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Progress of a fetch. May be read by any thread while it runs.
struct FetchCounts {
  // Bytes that were downloaded, and bytes of files that were shared with other
  // versions instead.
  std::atomic<uint64_t> fetched_bytes = 0;
  std::atomic<uint64_t> shared_bytes = 0;
};

struct FetchOptions {
  v1::Download download;
  // Whether this is the only process that fetches into the directory. Then an
  // earlier fetch of the version that failed or was killed is continued, and
  // files that are also in other versions of the directory are shared.
  bool exclusive = false;
  // Checks the version when it is complete, in a hidden directory. An error
  // rejects it.
  std::function<absl::Status(const std::filesystem::path&)> check =
      VerifyVersion;
  // Must outlive the call, if given.
  FetchCounts* counts = nullptr;
  std::stop_token stop;
};

// Copies a version, whose manifest in the store is `manifest`, into the
// directory `root`, which must exist. Does nothing if root has the version with
// the same manifest. Otherwise:
//
//   1. Creates a hidden directory in root (see ScratchDirectory).
//   2. Brings the files of the manifest, and no others, there. A file with the
//      same hash and size in another version is linked, or where the file
//      system has no hard links cloned or copied, if its bytes still have that
//      hash. The others are downloaded, several at a time, and hashed as they
//      arrive. A download that is cut off or stalls is resumed; a file with
//      wrong bytes is downloaded again once.
//   3. Writes signature and manifest, syncs, and runs options.check.
//   4. Renames the directory to root/<version>.
//
// Memory does not depend on the size of the files. Errors: ALREADY_EXISTS when
// root has the version with another manifest; ParseManifest's; DATA_LOSS,
// naming the file, when its bytes are wrong or the manifest is of another
// version; RESOURCE_EXHAUSTED when the disk is full or has too little space to
// begin; CANCELLED; those of the check and of the store.
absl::Status FetchVersion(Store* store, uint64_t version,
                          const SignedManifest& manifest,
                          const std::filesystem::path& root,
                          const FetchOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_FETCH_VERSION_H_
