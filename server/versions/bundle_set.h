#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/process/low_priority.h"
#include "server/process/memory.h"
#include "server/versions/bundle_opener.h"
#include "server/versions/bundle_reaper.h"
#include "server/versions/bundle_routes.h"
#include "server/versions/residents.h"
#include "server/versions/serving_bundle.h"
#include "server/versions/status_board.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The versions that are resident, which of them serves, and which have labels.
// Requests take a snapshot; the control plane stages, activates and unloads.
// Thread-safe.
//
// A version that is unloaded or replaced is destroyed by a BundleReaper once no
// request holds it, never by a request. Reading, verifying and warming versions
// happens at low priority while anything serves.
class BundleSet {
 public:
  // What the set's owner does at certain moments. They may call Snapshot and
  // GetStatus, and no method that changes the set; any may be empty.
  struct Hooks {
    // Called with a version before it becomes resident, at low priority while
    // anything serves: see WarmUp.
    BundleOpener::WarmUp warm_up;
    // Called before the first request can be answered from the bundle.
    std::function<void(const ServingBundle& resident)> on_resident;
    // Called after each change of what serves, on the caller's thread, before
    // the next one can happen.
    std::function<void(const ServingBundle& active,
                       absl::Duration swap_duration)>
        on_activated;
  };
  using MemoryReader = std::function<absl::StatusOr<ProcessMemory>()>;

  // `config` is complete.
  BundleSet(
      v1::ServerConfig config, RetrieverRegistry registry, Hooks hooks,
      MemoryReader read_memory = [] { return ReadProcessMemory(); });
  // REQUIRES: no snapshot is held any more. A WorkerPool's late tasks and a
  // LiveRecall's samples hold some: they are destroyed first.
  ~BundleSet();

  // Serves what CURRENT names; without CURRENT, the highest version there; once
  // verified. OK and nothing active when there is no version. On error nothing
  // is active, and the set is usable. Then, in the background, what served
  // before and what has a label becomes resident again.
  absl::Status Restore();

  // See bundles.proto. Stage unloads what residency.max_bytes, or memory, or
  // kMaxStaged leave no room for. Activating what is active, and unloading what
  // is not resident, are no errors. A version that Rollback finds gone from the
  // disk is passed over; one that is not resident is staged first.
  absl::StatusOr<v1::BundleStatus> Stage(uint64_t version);
  absl::StatusOr<v1::BundleStatus> Activate(uint64_t version);
  absl::StatusOr<v1::BundleStatus> Rollback();
  absl::Status Unload(uint64_t version);
  absl::StatusOr<v1::ServerStatus> SetLabel(const v1::SetLabelRequest& request);
  void Refuse(uint64_t version, std::string reason);
  void Report(v1::LoaderStatus loader);
  absl::StatusOr<v1::ListBundlesResponse> List() const;
  v1::ServerStatus GetStatus() const;

  // The active bundle (version 0) or a resident one. Errors: UNAVAILABLE when
  // nothing is active yet; NOT_FOUND when the version is not resident.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Snapshot(
      uint64_t version = 0) const;
  // What the request is answered from; see BundleRoutes.
  absl::StatusOr<RoutedBundle> Route(const v1::RetrieveRequest& request) const {
    return routes_.Take(request);
  }

  // Whether a version is being verified or warmed up, which a destructor would
  // wait for.
  bool IsOpening() const { return opening_ > 0; }

 private:
  using Resident = Residents::Resident;

  // These REQUIRE staging_mutex_.
  absl::Status MakeResident(uint64_t version, bool required);
  absl::Status TryMakeResident(uint64_t version, bool required);
  // Whether there is room; with `apply`, makes it. While nothing serves, there
  // is room for anything.
  absl::Status MakeRoom(uint64_t version, uint64_t bytes, bool required,
                        bool apply);

  // These REQUIRE control_mutex_.
  absl::StatusOr<v1::BundleStatus> ActivateResident(uint64_t version,
                                                    bool rolling_back);
  void MakeActive(const Resident& bundle, bool rolling_back,
                  std::chrono::steady_clock::time_point start);
  void SaveRecord();

  // These REQUIRE mutex_.
  void Publish();
  void UnloadLocked(uint64_t version, const char* cause);
  void UnloadWhatHasNoPlace(uint64_t max_bytes);

  uint64_t MaxBytes() const;
  void Forget(uint64_t version);
  void WakeKeeper();
  void KeepResident();
  void RestoreMissing(uint64_t version);

  // Constant after construction.
  const v1::ServerConfig config_;
  const std::filesystem::path root_;
  const BundleOpener opener_;
  const Hooks hooks_;
  const MemoryReader read_memory_;

  StatusBoard board_;
  BundleReaper reaper_;
  // Where versions are opened while one serves.
  LowPriorityThread slowly_;

  // Taken in this order, none by requests. Staging reads a whole bundle, and
  // Rollback must not wait for that.
  std::mutex staging_mutex_;
  std::mutex control_mutex_;

  // For requests; set with mutex_ held.
  BundleRoutes routes_;

  // Guards what follows; held for a short time, never by requests.
  mutable std::mutex mutex_;
  Residents residents_;
  absl::Time activated_at_;
  uint64_t swaps_ = 0;
  bool keeper_wanted_ = false;
  bool stopping_ = false;
  std::condition_variable keeper_changed_;

  std::atomic<int> opening_{0};
  // Makes resident again what ought to be.
  std::thread keeper_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_
