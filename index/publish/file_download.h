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

// What the downloads of one version share.
struct DownloadContext {
  Store* store;
  uint64_t version;
  // The number of UNAVAILABLE errors at which the download of a file fails.
  uint32_t attempts;
  RateLimit* rate_limit;
  // Incremented by the bytes that arrive.
  std::atomic<uint64_t>* fetched_bytes;
  std::stop_token stop;
};

// Downloads a file of the version to `path`, hashing it as it arrives, and
// syncs it. Continues a partial file at `path`. Errors: DATA_LOSS, naming the
// file, when its bytes were wrong in two downloads from the beginning; `path`
// is then removed. After errors of the store or the system and after CANCELLED,
// the bytes that arrived stay at `path`.
absl::Status DownloadFile(const DownloadContext& context,
                          const v1::FileEntry& file,
                          const std::filesystem::path& path);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_FILE_DOWNLOAD_H_
