#ifndef TRIBUTARY_INDEX_CHANGES_USER_EVENTS_H_
#define TRIBUTARY_INDEX_CHANGES_USER_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// A user met an item.
struct LiveEvent {
  // The number of the change.
  uint64_t change = 0;
  std::string item;
  // Whether it is part of the user's history; otherwise it is only seen.
  bool wanted = false;

  friend bool operator==(const LiveEvent&, const LiveEvent&) = default;
};

// What users met, as live changes say, by the user's key. As a build has it, an
// item is there once, at its last place, and one that the user wanted once
// stays wanted. Values above 0 are wanted. Not thread-safe.
class UserEvents {
 public:
  // Of each user the newest so many items are kept.
  static constexpr size_t kMaxEvents = 256;

  using ByUser = absl::flat_hash_map<std::string, std::vector<LiveEvent>>;

  // Changes come in the order of their numbers. Returns whether it is an event
  // that changed something.
  bool Apply(const v1::Change& change);

  // Oldest first; null for a user without events.
  const std::vector<LiveEvent>* Find(std::string_view user) const {
    const auto found =
        by_user_.find(absl::string_view(user.data(), user.size()));
    return found == by_user_.end() ? nullptr : &found->second;
  }
  const ByUser& by_user() const { return by_user_; }

 private:
  ByUser by_user_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_USER_EVENTS_H_
