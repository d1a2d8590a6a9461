#ifndef TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_
#define TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_

#include <chrono>
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
#include "server/pipeline/active_bundle.h"
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
  // Called after each change of what serves, on the caller's thread, before the
  // next one can happen: for health and metrics. It may call Snapshot and
  // GetStatus, and no method that changes the set.
  using OnActivated = std::function<void(const ServingBundle& active,
                                         absl::Duration swap_duration)>;

  BundleSet(std::filesystem::path root, RetrieverRegistry registry,
            OnActivated on_activated);
  // REQUIRES: no snapshot is held any more. A WorkerPool's late tasks and a
  // LiveRecall's samples hold some: they are destroyed first.
  ~BundleSet();

  // Serves what root/CURRENT names; without CURRENT, the highest version
  // there; once verified. OK and nothing active when root has no version. On
  // error nothing is active, and the set is usable.
  absl::Status Restore();

  // See bundles.proto. A few versions stay resident at most: Stage unloads the
  // oldest that neither serves nor served before. Unloading what is not
  // resident is no error.
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

  // Verifies and opens; a version that fails is recorded as refused.
  absl::StatusOr<Resident> OpenVersion(uint64_t version);
  absl::StatusOr<Resident> TryOpenVersion(uint64_t version) const;
  absl::StatusOr<v1::BundleStatus> ActivateResident(uint64_t version);
  void MakeActive(const Resident& bundle,
                  std::chrono::steady_clock::time_point start);
  void RecordRefusal(uint64_t version, std::string reason);

  // These REQUIRE that mutex_ is held.
  uint64_t ActiveVersion() const;
  v1::BundleState StateOf(uint64_t version) const;
  v1::BundleStatus StatusOf(uint64_t version) const;
  void MakeRoom();
  void Retire(Resident bundle);

  void ReapRetired();

  // Constant after construction.
  const std::filesystem::path root_;
  const RetrieverRegistry registry_;
  const OnActivated on_activated_;
  const absl::Time started_at_;

  // Taken in this order, none by requests. Staging reads a whole bundle, and
  // Rollback must not wait for that.
  std::mutex staging_mutex_;
  std::mutex control_mutex_;

  // The active one, for requests; set with mutex_ held.
  ActiveBundle serving_;

  // Guards what follows; held for a few instructions at a time. Of requests,
  // those take it that name another version than the active one.
  mutable std::mutex mutex_;
  std::condition_variable retired_changed_;
  std::map<uint64_t, Resident> resident_;
  Resident active_;
  uint64_t previous_version_ = 0;
  absl::Time activated_at_;
  uint64_t swaps_ = 0;
  uint64_t refusals_ = 0;
  v1::Refusal last_refusal_;
  std::vector<Resident> retired_;
  bool stopping_ = false;

  std::thread reaper_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_BUNDLE_SET_H_
