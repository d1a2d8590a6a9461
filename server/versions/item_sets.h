#ifndef TRIBUTARY_SERVER_VERSIONS_ITEM_SETS_H_
#define TRIBUTARY_SERVER_VERSIONS_ITEM_SETS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/versions/item_set_file.h"
#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// The sets of items that requests may exclude by name, on disk, in memory, and
// as rows of every resident version. What searches need of a set is made when
// the set is put and when a version is staged, never by a request. Thread-safe.
class ItemSets {
 public:
  // How many sets there are, and how much memory their keys take.
  using Changed = std::function<void(size_t sets, uint64_t bytes)>;
  using Bundles = std::vector<std::shared_ptr<const ServingBundle>>;

  // `root` is the bundle directory. `residents` returns the resident bundles.
  // `changed`, which may be empty, is called after each change.
  ItemSets(const std::filesystem::path& root, uint64_t max_bytes,
           uint32_t max_key_bytes, std::function<Bundles()> residents,
           Changed changed);

  // Reads the sets of the folder. One that is damaged, or for which there is no
  // room, is skipped, and the log says so: requests that name it fail.
  void Load() ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);

  // Makes every set known to the bundle, and then calls `make_resident`, after
  // which residents() has it. No set changes meanwhile.
  void Attach(const ServingBundle& bundle,
              absl::FunctionRef<void()> make_resident)
      ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);

  // See Bundles.PutItemSet. Takes the keys of a set as they arrive; at most two
  // exist at a time, because each may take as much memory as all sets.
  class Upload {
   public:
    ~Upload() {
      if (sets_ != nullptr) --sets_->uploads_;
    }
    Upload(Upload&& other) noexcept
        : sets_(std::exchange(other.sets_, nullptr)),
          name_(std::move(other.name_)),
          keys_(std::move(other.keys_)),
          begun_(other.begun_) {}
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    absl::Status Add(const v1::PutItemSetRequest& part);
    // Writes the set and makes it the one that requests get. Nothing has
    // changed after an error. REQUIRES: every Add succeeded; is called once.
    absl::StatusOr<std::string> Commit();

   private:
    friend class ItemSets;
    explicit Upload(ItemSets* sets) : sets_(sets) {}

    ItemSets* sets_;
    std::string name_;
    ItemKeys keys_;
    bool begun_ = false;
  };
  // RESOURCE_EXHAUSTED while there are two others.
  absl::StatusOr<Upload> Begin();

  // NOT_FOUND when there is no such set; errors of the file system.
  absl::Status Delete(std::string_view name)
      ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);

  // All sets, by name. Items are unknown that `active` does not have; without a
  // version, which is null, all are.
  std::vector<v1::ItemSetStatus> Describe(const ServingBundle* active) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Set = std::shared_ptr<const StoredItemSet>;
  using Sets = std::map<std::string, Set, std::less<>>;

  // INVALID_ARGUMENT when there are as many sets as may be, and no such one.
  absl::Status CheckCount(std::string_view name) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // RESOURCE_EXHAUSTED unless `bytes` fit beside the sets of other names.
  absl::Status CheckRoom(std::string_view name, uint64_t bytes) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Put(const std::string& name, ItemKeys keys)
      ABSL_LOCKS_EXCLUDED(change_mutex_, mutex_);
  void TellChanged() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const std::filesystem::path folder_;
  const uint64_t max_bytes_;
  const uint32_t max_key_bytes_;
  const std::function<Bundles()> residents_;
  const Changed changed_;

  std::atomic<int> uploads_{0};

  // Held during a change, while files are written and rows are looked up: a
  // bundle that is attached meanwhile gets the sets before it or after it.
  Mutex change_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);

  // Guarded by mutex_, which is held for a short time only.
  mutable Mutex mutex_;
  Sets sets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_ITEM_SETS_H_
