#ifndef TRIBUTARY_INDEX_CHANGES_EXPIRING_ITEMS_H_
#define TRIBUTARY_INDEX_CHANGES_EXPIRING_ITEMS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// From when on an item is in no answer, in milliseconds since 1970, and the
// number of the change that says so.
struct Expiry {
  uint64_t change = 0;
  int64_t at_ms = 0;
};

// When items expire, by key, and which have expired at some time, which its
// owner sets: a clock that is set back brings them back. Not thread-safe.
class ExpiringItems {
 public:
  // Changes come in the order of their numbers. An upsert says anew when its
  // item expires. Returns whether the item has expired now and had not, or the
  // reverse.
  bool Apply(const v1::Change& change) {
    int64_t at_ms = 0;
    if (change.has_expire()) {
      at_ms = change.expire().at_ms();
    } else if (change.has_upsert()) {
      at_ms = change.upsert().expires_at_ms();
    } else {
      return false;
    }
    const bool before = HasExpired(change.item());
    Forget(change.item());
    if (at_ms != 0) {
      expiries_[change.item()] = {change.number(), at_ms};
      by_time_.emplace(at_ms, change.item());
    }
    const bool now = HasExpired(change.item());
    expired_ = expired_ + (now ? 1 : 0) - (before ? 1 : 0);
    return before != now;
  }

  // Sets the time. Returns the items that expired, or came back, thereby.
  std::vector<std::string> SetTime(int64_t now_ms) {
    std::vector<std::string> items;
    const int64_t earlier = std::min(now_ms_, now_ms);
    const int64_t later = std::max(now_ms_, now_ms);
    for (auto next = by_time_.lower_bound({earlier + 1, std::string()});
         next != by_time_.end() && next->first <= later; ++next) {
      items.push_back(next->second);
    }
    expired_ =
        now_ms >= now_ms_ ? expired_ + items.size() : expired_ - items.size();
    now_ms_ = now_ms;
    return items;
  }

  // At the time that was set.
  bool HasExpired(std::string_view key) const {
    const Expiry* const expiry = Find(key);
    return expiry != nullptr && expiry->at_ms <= now_ms_;
  }
  size_t expired() const { return expired_; }
  // Calls `use` with the key of each item that has expired.
  template <typename Use>
  void ForEachExpired(const Use& use) const {
    for (const auto& [at_ms, key] : by_time_) {
      if (at_ms > now_ms_) return;
      use(key);
    }
  }

  // Null for an item that never expires.
  const Expiry* Find(std::string_view key) const {
    const auto found =
        expiries_.find(absl::string_view(key.data(), key.size()));
    return found == expiries_.end() ? nullptr : &found->second;
  }
  size_t size() const { return expiries_.size(); }

 private:
  void Forget(const std::string& key) {
    const auto found = expiries_.find(key);
    if (found == expiries_.end()) return;
    by_time_.erase({found->second.at_ms, key});
    expiries_.erase(found);
  }

  absl::flat_hash_map<std::string, Expiry> expiries_;
  absl::btree_set<std::pair<int64_t, std::string>> by_time_;
  // Any time before the first; no difference to another time overflows.
  int64_t now_ms_ = std::numeric_limits<int64_t>::min() / 2;
  size_t expired_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_EXPIRING_ITEMS_H_
