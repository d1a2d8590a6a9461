#ifndef TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
#define TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_

#include <cstdint>
#include <functional>
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

// A version's manifest and signature, of which `read` gives the contents, at
// most so many bytes.
absl::StatusOr<SignedManifest> ReadSignedManifest(
    const std::function<absl::StatusOr<std::string>(const std::string& name,
                                                    uint64_t max_bytes)>& read);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SMALL_FILE_H_
