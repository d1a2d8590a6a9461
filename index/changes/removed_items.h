#ifndef TRIBUTARY_INDEX_CHANGES_REMOVED_ITEMS_H_
#define TRIBUTARY_INDEX_CHANGES_REMOVED_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// When and why an item was taken down.
struct Removal {
  // The number of the change.
  uint64_t change = 0;
  int64_t at_ms = 0;
  std::string reason;
};

// The items that are taken down after some changes, by key. Not thread-safe.
class RemovedItems {
 public:
  using Removals = absl::flat_hash_map<std::string, Removal>;

  // Changes come in the order of their numbers. Returns whether the item is
  // taken down now and was not, or the reverse.
  bool Apply(const v1::Change& change) {
    if (change.has_restore()) return removals_.erase(change.item()) > 0;
    if (!change.has_remove()) return false;
    const Removal removal = {change.number(), change.at_ms(),
                             change.remove().reason()};
    return removals_.insert_or_assign(change.item(), removal).second;
  }

  // Null for an item that is not taken down.
  const Removal* Find(std::string_view key) const {
    const auto found =
        removals_.find(absl::string_view(key.data(), key.size()));
    return found == removals_.end() ? nullptr : &found->second;
  }
  const Removals& removals() const { return removals_; }
  size_t size() const { return removals_.size(); }

 private:
  Removals removals_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_REMOVED_ITEMS_H_
