#ifndef TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_
#define TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_

#include <cstdint>
#include <filesystem>
#include <optional>

#include "absl/status/statusor.h"

namespace tributary {

// The state of a loader that outlives a restart, in files of its bundle
// directory. What was followed is treated as if it did not exist when its file
// cannot be read or written, which is logged: the server knows the active
// version in any case. The highest version is what keeps an old version, whose
// signature is still right, from coming back: while its file cannot be read,
// nothing may be activated. Not thread-safe.
class LoaderMemory {
 public:
  LoaderMemory(std::filesystem::path bundles, bool allow_older);

  // The value of CURRENT whose version has been active since CURRENT was
  // written; 0 for none. If that version is not active now, an operator rolled
  // back.
  uint64_t followed() const { return followed_; }
  // False when `version` was the followed one already.
  bool MarkFollowed(uint64_t version);
  // To be called when CURRENT moves. The file stays until another version is
  // followed.
  void ForgetFollowed() { followed_ = 0; }

  // The highest version that was ever active on this host or, with allow_older,
  // the last version that was active. 0 for none. FAILED_PRECONDITION, naming
  // the file and what to do, while it cannot be read.
  absl::StatusOr<uint64_t> Highest();
  // Without effect while the highest version is not known.
  void MarkActive(uint64_t version);

 private:
  uint64_t ReadFollowed() const;
  void Write(const char* name, uint64_t version) const;

  const std::filesystem::path bundles_;
  const bool allow_older_;
  uint64_t followed_;
  // Nothing while it could not be read.
  std::optional<uint64_t> highest_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_
