#ifndef TRIBUTARY_SERVER_LOADER_VERSION_TRIAL_H_
#define TRIBUTARY_SERVER_LOADER_VERSION_TRIAL_H_

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// What a version goes through before the server may have it. Each of the two
// steps happens in a process of its own, see TryVersion, and not before there
// is memory for it: the error says how much, and to try again may help.
// Thread-safe.
class VersionTrial {
 public:
  // `config` is complete.
  explicit VersionTrial(const v1::LoaderConfig& config) : config_(config) {}

  // Hashes and contents of the version in this directory, which nobody sees
  // yet; and its sources answer. Errors: as TryVersion, but UNAVAILABLE for
  // RESOURCE_EXHAUSTED, which is what a fetch says of a full disk.
  absl::Status Verify(const std::filesystem::path& dir,
                      const std::stop_token& stop) const;

  // The gate of a version on this host, against the active one if that is
  // older and on this host; going back to an older one is an operator's
  // decision, and only what is absolute is checked. A report that did not pass
  // is no error. Passes at once when the gate is turned off, but for `verify`.
  absl::StatusOr<v1::GateReport> Gate(uint64_t version, uint64_t active,
                                      bool verify,
                                      const std::stop_token& stop) const;

  // What the verdict on a version depends on besides its manifest. Verify's
  // depends on this program, the limits and the public keys; Gate's depends on
  // this program, the thresholds, `force` and the version compared with.
  std::string VerifyDependsOn() const;
  std::string GateDependsOn(uint64_t version, uint64_t active) const;

  // The gate's verdict does not stop it.
  bool IsForced(uint64_t version) const;

 private:
  // 0 for none.
  uint64_t OldVersion(uint64_t version, uint64_t active) const;

  const v1::LoaderConfig config_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_VERSION_TRIAL_H_
