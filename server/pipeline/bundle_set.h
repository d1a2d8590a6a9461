#ifndef TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_
#define TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/pipeline/serving_bundle.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// The versions that are resident, and which of them serves. Requests take a
// snapshot; the control plane stages, activates and unloads. Thread-safe.
//
// A version that is unloaded or replaced is destroyed by a thread of the set's
// own once no request holds it, never by a request.
class BundleSet {
 public:
  // Called after each change, outside of locks, on the caller's thread: for
  // health and metrics.
  using OnActivated = std::function<void(const ServingBundle& active,
                                         absl::Duration swap_duration)>;

  BundleSet(std::filesystem::path root, RetrieverRegistry registry,
            OnActivated on_activated);
  // REQUIRES: no snapshot is held any more.
  ~BundleSet();

  // Serves what root/CURRENT names; without CURRENT, the highest version
  // there, once verified. OK and nothing active when root has no version.
  absl::Status Restore();

  // See bundles.proto.
  absl::StatusOr<v1::BundleStatus> Stage(uint64_t version);
  absl::StatusOr<v1::BundleStatus> Activate(uint64_t version);
  absl::StatusOr<v1::BundleStatus> Rollback();
  absl::Status Unload(uint64_t version);
  void Refuse(uint64_t version, std::string reason);
  absl::StatusOr<v1::ListBundlesResponse> List() const;
  v1::ServerStatus GetStatus() const;

  // The active bundle (version 0) or a resident one. Errors: UNAVAILABLE when
  // nothing is active yet; NOT_FOUND when the version is not resident.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Snapshot(
      uint64_t version = 0) const;

 private:
  using Resident = std::shared_ptr<const ServingBundle>;

  absl::StatusOr<Resident> OpenVersion(uint64_t version, bool verify) const;
  void Retire(Resident bundle);
  void ReapRetired();

  // Constant after construction.
  const std::filesystem::path root_;
  const RetrieverRegistry registry_;
  const OnActivated on_activated_;
  const absl::Time started_at_;

  // Serialises the control plane; never taken by requests.
  mutable std::mutex control_mutex_;

  // Guards what follows; held for a few instructions at a time.
  mutable std::mutex mutex_;
  std::condition_variable retired_changed_;
  std::map<uint64_t, Resident> resident_;
  Resident active_;
  uint64_t previous_version_ = 0;
  absl::Time activated_at_;
  uint64_t swaps_ = 0;
  v1::Refusal last_refusal_;
  std::vector<Resident> retired_;
  bool stopping_ = false;

  std::thread reaper_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_
