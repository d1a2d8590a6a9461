#ifndef TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
#define TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_

#include <cstdint>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "index/publish/store.h"

namespace tributary {

// Keeps what comes; DATA_LOSS, naming `what`, for more than `max_bytes`.
class SmallFile : public ByteSink {
 public:
  SmallFile(std::string what, uint64_t max_bytes)
      : what_(std::move(what)), max_bytes_(max_bytes) {}

  absl::Status Begin(uint64_t offset) override;
  absl::Status Append(std::span<const std::byte> bytes) override;

  std::string& contents() { return contents_; }

 private:
  const std::string what_;
  const uint64_t max_bytes_;
  std::string contents_;
};

// Store::ReadManifest by way of Store::ReadFile.
absl::StatusOr<SignedManifest> ReadSignedManifest(Store& store,
                                                  uint64_t version,
                                                  const std::stop_token& stop);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
