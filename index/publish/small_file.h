#ifndef TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
#define TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "index/publish/store.h"

namespace tributary {

// Keeps a small file in memory. DATA_LOSS, naming `what`, for more than
// `max_bytes`.
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

// Reads a version's manifest and signature, if it has one, by `read`, which
// returns the contents of the file `name` of the version, at most `max_bytes`.
absl::StatusOr<SignedManifest> ReadSignedManifest(
    const std::function<absl::StatusOr<std::string>(const std::string& name,
                                                    uint64_t max_bytes)>& read);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
