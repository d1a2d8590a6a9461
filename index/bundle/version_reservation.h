#ifndef TRIBUTARY_INDEX_BUNDLE_VERSION_RESERVATION_H_
#define TRIBUTARY_INDEX_BUNDLE_VERSION_RESERVATION_H_

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"
#include "index/bundle/scratch_directory.h"

namespace tributary {

// The right to write one version of a directory of versions, for as long as the
// object or its process lives. Programs that take a number before they work for
// hours cannot end with the same one. It is a scratch directory with the prefix
// kReserved. Movable; not thread-safe.
class VersionReservation {
 public:
  // Creates `root` if it does not exist, removes the leftovers in it, and
  // reserves `version`, or, for 0, the number above all that exist or are
  // reserved. Waits for other calls, not for other reservations. Errors name
  // the path: those of creating and locking a directory in `root`, so that one
  // that cannot be written to is found out at once; ALREADY_EXISTS when the
  // version exists or another process has reserved it; OUT_OF_RANGE when there
  // is no number above.
  static absl::StatusOr<VersionReservation> Take(
      const std::filesystem::path& root, uint64_t version);

  uint64_t version() const { return version_; }

 private:
  VersionReservation(uint64_t version, ScratchDirectory scratch)
      : version_(version), scratch_(std::move(scratch)) {}

  uint64_t version_;
  ScratchDirectory scratch_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VERSION_RESERVATION_H_
