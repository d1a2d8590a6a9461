#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
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
#include "server/versions/crash_record.h"
#include "server/versions/item_sets.h"
#include "server/versions/live_changes.h"
#include "server/versions/residents.h"
#include "server/versions/serving_bundle.h"
#include "server/versions/status_board.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The versions of config.bundles() that are resident, which of them is active,
// and which have labels. Requests take a snapshot or a route; the control plane
// stages, activates, labels and unloads. Thread-safe.
//
// A version that is unloaded is destroyed by a BundleReaper once no request
// holds it, never by a request. While any version is active, versions are read,
// verified and warmed up on a background thread of low priority.
class BundleSet {
 public:
  // Callbacks for the set's owner. They may call Snapshot, Route and GetStatus,
  // and must not call methods that change the set. Any may be empty.
  struct Hooks {
    // Called with a version before it becomes resident, on the background
    // thread while any version is active: see WarmUp.
    BundleOpener::WarmUp warm_up = nullptr;
    // Called with a version before the first request can be answered from it.
    std::function<void(const ServingBundle& resident)> on_resident = nullptr;
    // Called after each change of the active version, on the thread that made
    // the change and before the next change. `swap_duration` is the time from
    // the call that activated the version until requests were routed to it.
    std::function<void(const ServingBundle& active,
                       absl::Duration swap_duration)>
        on_activated = nullptr;
    // Called after each change of the item sets, with how many there are and
    // how much memory their keys take.
    ItemSets::Changed on_item_sets = nullptr;
    // Called after live changes were applied.
    LiveChanges::Changed on_changes = nullptr;
  };
  using MemoryReader = std::function<absl::StatusOr<ProcessMemory>()>;

  // `config` is complete. `read_memory` is for tests.
  BundleSet(
      v1::ServerConfig config, RetrieverRegistry registry, Hooks hooks,
      MemoryReader read_memory = [] { return ReadProcessMemory(); });
  // REQUIRES: no snapshot is held any more. The late tasks of a WorkerPool and
  // the samples of a LiveRecall hold snapshots: destroy those first.
  ~BundleSet();

  // Verifies and activates the version that served last: the one in CURRENT or,
  // without CURRENT, in the record. If it cannot be restored, the one that
  // served before it, and so on; then, as without a record, the highest version
  // on disk that can be served, one with a label last. Afterwards, in the
  // background, the previous and the labelled versions become resident again.
  // Versions with which the server crashed several times in a row are refused
  // (see CrashRecord).
  // Before all that, reads the item sets.
  // OK with no active version when there are no versions. An error, that of the
  // first version, means that none can be served: those of Stage, and of
  // reading CURRENT without a record. The set is usable then.
  absl::Status Restore()
      ABSL_LOCKS_EXCLUDED(staging_mutex_, control_mutex_, mutex_);

  // The control plane; bundles.proto describes the methods and their errors.
  // Stage unloads versions that exceed residency.max_bytes, the memory, or
  // kMaxStaged together with the new one. Activating the active version and
  // unloading a version that is not resident succeed and change nothing.
  // Rollback skips versions that are no longer on disk, and stages a version
  // that is not resident.
  absl::StatusOr<v1::BundleStatus> Stage(uint64_t version)
      ABSL_LOCKS_EXCLUDED(staging_mutex_, mutex_);
  absl::StatusOr<v1::BundleStatus> Activate(uint64_t version)
      ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  absl::StatusOr<v1::BundleStatus> Rollback()
      ABSL_LOCKS_EXCLUDED(staging_mutex_, control_mutex_, mutex_);
  absl::Status Unload(uint64_t version)
      ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  absl::StatusOr<v1::ServerStatus> SetLabel(const v1::SetLabelRequest& request)
      ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  // PutItemSet in three steps: begin, add each message to the upload, commit.
  absl::StatusOr<ItemSets::Upload> BeginItemSet() { return item_sets_.Begin(); }
  absl::StatusOr<v1::ItemSetStatus> CommitItemSet(ItemSets::Upload upload)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status DeleteItemSet(const std::string& name) {
    return item_sets_.Delete(name);
  }
  void Refuse(uint64_t version, std::string reason);
  void Report(v1::LoaderStatus loader);
  absl::StatusOr<v1::ListBundlesResponse> List() const
      ABSL_LOCKS_EXCLUDED(mutex_);
  v1::ServerStatus GetStatus() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The active bundle (version 0) or a resident one. Errors: UNAVAILABLE when
  // no version is active yet; NOT_FOUND when the version is not resident.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Snapshot(
      uint64_t version = 0) const;
  // The bundle that answers the request; see BundleRoutes::Take.
  absl::StatusOr<RoutedBundle> Route(const v1::RetrieveRequest& request) const {
    return routes_.Take(request);
  }

  // Whether a version is being verified or warmed up. The destructor would wait
  // for that.
  bool IsOpening() const { return opening_ > 0; }

 private:
  using Resident = Residents::Resident;

  // Makes the first version resident that can be served, of those that served
  // according to CURRENT and the record and the others on disk. Leaves *serves
  // as it is when there is none.
  absl::Status MakeFirstResident(const ServingRecord& record, uint64_t* serves)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Opens, verifies and warms up a version and adds it to the residents. A
  // `required` version displaces staged and previous ones as needed; any other
  // becomes resident only if DecideResidency would keep it.
  absl::Status MakeResident(uint64_t version, bool required)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status TryMakeResident(uint64_t version, bool required)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // RESOURCE_EXHAUSTED when there is no room for the version. With `apply`,
  // unloads what must make room for it. While no version is active, any version
  // has room.
  absl::Status MakeRoom(uint64_t version, uint64_t bytes, bool required,
                        bool apply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::StatusOr<v1::BundleStatus> ActivateResident(uint64_t version,
                                                    bool rolling_back)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(control_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // `start` is when the call began that makes the bundle active.
  void MakeActive(const Resident& bundle, bool rolling_back,
                  std::chrono::steady_clock::time_point start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(control_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes the ServingRecord; logs an error.
  void SaveRecord() ABSL_EXCLUSIVE_LOCKS_REQUIRED(control_mutex_)
      ABSL_LOCKS_EXCLUDED(mutex_);

  ItemSets::Bundles ResidentBundles() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Routes requests by the present residents.
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UnloadLocked(uint64_t version, const char* cause)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Unloads the versions that DecideResidency does not keep.
  void UnloadExcess(uint64_t max_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The bytes that all bundles together may use.
  uint64_t MaxBytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Removes the version from those that Rollback may return to.
  void Forget(uint64_t version) ABSL_LOCKS_EXCLUDED(control_mutex_, mutex_);
  void WakeKeeper() ABSL_LOCKS_EXCLUDED(mutex_);
  // Body of keeper_.
  void KeepResident()
      ABSL_LOCKS_EXCLUDED(staging_mutex_, control_mutex_, mutex_);
  void RestoreMissing(uint64_t version)
      ABSL_LOCKS_EXCLUDED(staging_mutex_, control_mutex_, mutex_);

  // Constant after construction.
  const v1::ServerConfig config_;
  const std::filesystem::path root_;
  const BundleOpener opener_;
  const Hooks hooks_;
  const MemoryReader read_memory_;
  const CrashRecord crashes_;

  // Thread-safe themselves.
  StatusBoard board_;
  ItemSets item_sets_;
  LiveChanges changes_;
  BundleReaper reaper_;
  LowPriorityThread background_thread_;
  // Read by requests. Set is called with mutex_ held.
  BundleRoutes routes_;
  std::atomic<int> opening_{0};

  // Requests take none of the three mutexes. staging_mutex_ is held while a
  // whole bundle is read, control_mutex_ while CURRENT or the record is
  // written: Rollback must not wait for a version that is being staged.
  Mutex staging_mutex_ ABSL_ACQUIRED_BEFORE(control_mutex_, mutex_);
  Mutex control_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);

  // Guarded by mutex_, which is held for a short time only.
  mutable Mutex mutex_;
  Residents residents_ ABSL_GUARDED_BY(mutex_);
  absl::Time activated_at_ ABSL_GUARDED_BY(mutex_);
  // Changes of the active version, the first one not counted.
  uint64_t swaps_ ABSL_GUARDED_BY(mutex_) = 0;
  bool keeper_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  CondVar keeper_changed_;

  // Makes labelled and previous versions resident again. Last, so that it runs
  // on complete members.
  std::thread keeper_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_SET_H_
