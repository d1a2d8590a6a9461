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

// The two trials of a version before the server gets it. Each runs in a process
// of its own, see TryVersion, and only when there is enough memory for it: the
// error has the figures, and to try again later may help. Thread-safe.
class VersionTrial {
 public:
  // `config` is complete.
  explicit VersionTrial(const v1::LoaderConfig& config) : config_(config) {}

  // Verifies hashes and contents of the version in this directory, which no
  // server sees yet, and that its sources answer. Errors: as TryVersion, but
  // UNAVAILABLE for RESOURCE_EXHAUSTED, which stands for a full disk in a
  // fetch.
  absl::Status Verify(const std::filesystem::path& dir,
                      const std::stop_token& stop) const;

  // Has the gate measure a version on this host, and compare it with the active
  // one if that is older and on this host. Going back to an older version is an
  // operator's decision: then only the checks of the new version alone are
  // made. A report that did not pass is no error. With the gate turned off, the
  // report passes, after the verification if `verify` is true.
  absl::StatusOr<v1::GateReport> Gate(uint64_t version, uint64_t active,
                                      bool verify,
                                      const std::stop_token& stop) const;

  // What the verdict on a version depends on besides its manifest. Verify's
  // depends on this program, the limits and the public keys; Gate's depends on
  // this program, the thresholds, `force` and the version compared with.
  std::string VerifyDependsOn() const;
  std::string GateDependsOn(uint64_t version, uint64_t active) const;

  // Whether the configuration lets the version pass whatever the gate says.
  bool IsForced(uint64_t version) const;

 private:
  // 0 for none.
  uint64_t OldVersion(uint64_t version, uint64_t active) const;

  const v1::LoaderConfig config_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_VERSION_TRIAL_H_
