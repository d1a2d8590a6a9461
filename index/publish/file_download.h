#ifndef TRIBUTARY_INDEX_PUBLISH_FILE_DOWNLOAD_H_
#define TRIBUTARY_INDEX_PUBLISH_FILE_DOWNLOAD_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "absl/status/status.h"
#include "index/publish/rate_limit.h"
#include "index/publish/store.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What downloads of one version have in common.
struct DownloadContext {
  Store* store;
  uint64_t version;
  // Of one file.
  uint32_t attempts;
  RateLimit* rate_limit;
  // Grows by what comes.
  std::atomic<uint64_t>* fetched_bytes;
  std::stop_token stop;
};

// Downloads a file of the version to `path`, hashed as it comes and synced. A
// beginning of it that is at `path` is continued. Errors: DATA_LOSS, naming
// the file, when it came wrong twice from its beginning, after which nothing is
// at `path`; the store's, the system's and CANCELLED, after which what came is.
absl::Status DownloadFile(const DownloadContext& context,
                          const v1::FileEntry& file,
                          const std::filesystem::path& path);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_FILE_DOWNLOAD_H_
