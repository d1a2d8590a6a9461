#ifndef TRIBUTARY_SERVER_VERSIONS_LIVE_CHANGES_H_
#define TRIBUTARY_SERVER_VERSIONS_LIVE_CHANGES_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "index/changes/changed_attributes.h"
#include "index/changes/expiring_items.h"
#include "index/changes/read_changes.h"
#include "index/changes/removed_items.h"
#include "index/changes/upserted_items.h"
#include "index/changes/user_events.h"
#include "index/filter/filter_cache.h"
#include "server/versions/attribute_values.h"
#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Applies the log of live changes in <bundles>/changes, which the loader copies
// from the store, to every resident version: items that were taken down, or
// have expired by the server's clock, are in no answer, whatever version gives
// it, and attributes have the values that changes set, unless the version was
// built with those changes already. A server needs no other state than that
// folder: it reads the log before the first version becomes resident, so that
// nothing that was taken down is back after a restart, and each version gets
// all changes before it becomes resident. What searches need is made here,
// never by a request. Thread-safe.
class LiveChanges {
 public:
  using Bundles = std::vector<std::shared_ptr<const ServingBundle>>;
  using Changed = std::function<void(const v1::ChangesStatus& status)>;

  // `root` is the bundle directory. `residents` returns the resident bundles.
  // `changed`, which may be empty, is called when the status has changed.
  LiveChanges(const std::filesystem::path& root,
              std::function<Bundles()> residents, Changed changed);
  // Ends the thread.
  ~LiveChanges();
  LiveChanges(const LiveChanges&) = delete;
  LiveChanges& operator=(const LiveChanges&) = delete;

  // Follows the log from now on, on a thread of its own. Not thread-safe; does
  // nothing when it was called before.
  void Start() {
    if (!follower_.joinable()) follower_ = std::thread([this] { Follow(); });
  }

  // Applies all changes to the bundle, and then calls `make_resident`, after
  // which residents() has it. No change is applied meanwhile. DATA_LOSS, naming
  // the file, when the log was never read and is damaged: a version without it
  // could bring back what was taken down.
  absl::Status Attach(const ServingBundle& bundle,
                      absl::FunctionRef<void()> make_resident)
      ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);

  // When and why the item was taken down; absent if it is not.
  std::optional<Removal> FindRemoval(std::string_view item_key) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // When the item expires, or has; absent if it does not.
  std::optional<Expiry> FindExpiry(std::string_view item_key) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Of `active`, which may be null: how many items of it are taken down, of
  // how many attributes are changed, and how many users have events that it
  // lacks.
  v1::ChangesStatus Describe(const ServingBundle* active) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What is known of HEAD without reading it.
  struct HeadStamp {
    uint64_t inode = 0;
    int64_t changed_ns = 0;
    bool operator==(const HeadStamp&) const = default;
  };

  HeadStamp StampOfHead() const;
  void Follow();
  // Reads what came since, and applies it to all resident bundles.
  absl::Status ReadOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  void SetError(const std::string& error) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes items expire whose time has come.
  void LookAtClock() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // What concerns a bundle of some changes: the items that may be there now and
  // were not, or the reverse; those of which attributes were set, by changes
  // after `after`; the users who met something; the items that
  // were upserted.
  struct Batch {
    std::vector<std::string> moved;
    std::vector<std::string> changed;
    std::vector<std::string> users;
    std::vector<std::string> upserted;
    uint64_t after = 0;
  };
  // Gives the bundle a new overlay, if the batch makes a difference to it.
  // Returns what did nothing.
  UnusedValues ApplyTo(const ServingBundle& bundle, const Batch& batch) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Sets the overlay's `remaining` and `expired`; returns whether they differ
  // from before.
  bool MoveItems(const ServingBundle& bundle,
                 const std::vector<std::string>& items,
                 BundleOverlay* overlay) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Sets the overlay's `additions`, where these items were upserted, taken down
  // or the reverse; returns whether they differ from before. Adds what the
  // bundle cannot take to *unused.
  bool ApplyUpserts(const ServingBundle& bundle,
                    const std::vector<std::string>& items,
                    BundleOverlay* overlay, UnusedValues* unused) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes what requests with the filters that were used last will need under
  // the overlay, so that they do not have to; to be kept once it is in force.
  static std::vector<FilterCache::Kept> PrepareFilters(
      const ServingBundle& bundle, const BundleOverlay& overlay);
  // Counts and logs the values that were refused, each change once.
  void NoteRefused(const UnusedValues& unused)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes codes of added items where too many have none. Not while changes wait
  // to be applied.
  void MakeCodes() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  static void MakeCodesOf(const ServingBundle& bundle);
  // Looks for items that stand in for added ones, for a short time. Returns how
  // long to rest then.
  absl::Duration FillStandIns() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  // How many items were added to the resident version that lacks most.
  uint64_t MostAdded() const;

  // Constant after construction.
  const std::filesystem::path folder_;
  const std::function<Bundles()> residents_;
  const Changed changed_;

  // Held while changes are applied.
  Mutex change_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  ChangePosition position_ ABSL_GUARDED_BY(change_mutex_);
  // Whether the log was read at least once.
  bool was_read_ ABSL_GUARDED_BY(change_mutex_) = false;
  ChangedAttributes attributes_ ABSL_GUARDED_BY(change_mutex_){TypesOfValue};
  UserEvents events_ ABSL_GUARDED_BY(change_mutex_);
  // Changes with values that were refused.
  absl::flat_hash_set<uint64_t> with_refused_ ABSL_GUARDED_BY(change_mutex_);
  UpsertedItems upserted_ ABSL_GUARDED_BY(change_mutex_);
  // By serial number of added items: for how many rows stand-ins were looked
  // for.
  absl::flat_hash_map<uint64_t, uint32_t> stand_ins_
      ABSL_GUARDED_BY(change_mutex_);
  // Held while what is below is read or written.
  mutable Mutex mutex_;
  RemovedItems removed_ ABSL_GUARDED_BY(mutex_);
  ExpiringItems expiring_ ABSL_GUARDED_BY(mutex_);
  v1::ChangesStatus status_ ABSL_GUARDED_BY(mutex_);

  absl::Notification stop_;
  std::thread follower_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_LIVE_CHANGES_H_
