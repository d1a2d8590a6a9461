#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_ITEM_SETS_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_ITEM_SETS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/bundle/row_set.h"
#include "index/filter/growing_set.h"
#include "index/filter/passing_items.h"
#include "server/versions/item_keys.h"
#include "sync/mutex.h"

namespace tributary {

// A set of items that requests may exclude, as rows of one bundle.
struct ExcludedItems {
  ExcludedItems(RowSet rows, uint64_t n_known,
                std::shared_ptr<const ItemKeys> of_set = nullptr)
      : others(std::move(rows)), known(n_known), keys(std::move(of_set)) {}

  // The items that are not in the set.
  PassingItems others;
  // How many of the set's items the bundle has.
  uint64_t known;
  // The set itself, for items that the bundle lacks, and which of those are
  // known not to be in it. May be null where there are none.
  std::shared_ptr<const ItemKeys> keys;
  GrowingSet added_others;
};

// The sets that requests to one bundle may exclude, by name. ItemSets writes
// them. Thread-safe; each set is replaced as a whole.
class BundleItemSets {
 public:
  // Null when there is none.
  std::shared_ptr<const ExcludedItems> Find(std::string_view name) const {
    const MutexLock lock(&mutex_);
    const auto found = sets_.find(name);
    return found == sets_.end() ? nullptr : found->second;
  }
  std::vector<std::string> Names() const {
    const MutexLock lock(&mutex_);
    std::vector<std::string> names;
    for (const auto& [name, set] : sets_) names.push_back(name);
    return names;
  }

  // Requests that have found the set before keep it.
  void Put(const std::string& name, std::shared_ptr<const ExcludedItems> set) {
    // What is replaced is freed without the lock.
    const MutexLock lock(&mutex_);
    sets_[name].swap(set);
  }
  void Remove(std::string_view name) {
    std::shared_ptr<const ExcludedItems> removed;
    const MutexLock lock(&mutex_);
    const auto found = sets_.find(name);
    if (found == sets_.end()) return;
    removed = std::move(found->second);
    sets_.erase(found);
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const ExcludedItems>, std::less<>> sets_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_ITEM_SETS_H_
