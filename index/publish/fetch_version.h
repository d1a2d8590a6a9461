// How a version gets from a store to a directory, and nobody sees half of it.
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

// Grows while files come.
struct FetchCounts {
  std::atomic<uint64_t> fetched_bytes = 0;
  std::atomic<uint64_t> shared_bytes = 0;
};

struct FetchOptions {
  v1::Download download;
  // Nobody else fetches into this directory: what a fetch that failed or was
  // cut off has left is continued, and files that other versions in it have
  // are shared with them.
  bool exclusive = false;
  // Says whether the version, complete in a hidden directory, is good.
  std::function<absl::Status(const std::filesystem::path&)> check =
      VerifyVersion;
  // Outlives the call, if given.
  FetchCounts* counts = nullptr;
  std::stop_token stop;
};

// Brings a version, of which the store gave `manifest`, into `root`, which is
// there. The manifest's files, and no others, go into a hidden directory, are
// hashed as they come, checked and synced, and the directory is renamed. Of
// one with the same hash and size in another version a hard link is made, where
// the file system has none a clone or copy, if its bytes still have that hash;
// the others are downloaded side by side. A file whose connection is cut or
// stalls is resumed, and one that came wrong is fetched anew once. Nothing
// happens when root has the same version with the same manifest.
//
// Memory: some buffers, however large the files are. Errors: ALREADY_EXISTS
// when root has it with another manifest; ParseManifest's; DATA_LOSS, naming
// the file, when its bytes are wrong, or when the manifest's version is
// another; RESOURCE_EXHAUSTED when the disk is full, or has too little space to
// begin; the check's and the store's; CANCELLED.
absl::Status FetchVersion(Store* store, uint64_t version,
                          const SignedManifest& manifest,
                          const std::filesystem::path& root,
                          const FetchOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_FETCH_VERSION_H_
