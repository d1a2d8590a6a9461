#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_EVENTS_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/changes/user_events.h"

namespace tributary {

// An item that a user met and a bundle lacks. Live changes may have added it.
struct LackingItem {
  std::string key;
  uint64_t change = 0;
  bool wanted = false;
};

// What a user met since a bundle's data end.
class MetItems {
 public:
  // The bundle's own seen items of the user are `seen`.
  MetItems(const std::vector<LiveEvent>& events, const Bundle& bundle,
           std::span<const Row> seen);

  // The items that the user wanted, newest last, no item twice.
  std::span<const Row> wanted() const {
    return std::span(rows_).first(wanted_);
  }
  // Those and the ones that the user only saw.
  std::span<const Row> seen() const { return rows_; }
  // The items that the bundle lacks, newest last.
  std::span<const LackingItem> lacking() const { return lacking_; }
  // How many of seen() are not among the items that the bundle has as seen.
  size_t beyond_stored() const { return beyond_stored_; }
  // The number of the change that says that the user met the item; 0: none
  // does.
  uint64_t ChangeOf(Row item) const;

 private:
  // First the wanted ones.
  std::vector<Row> rows_;
  // By place in rows_.
  std::vector<uint64_t> changes_;
  size_t wanted_ = 0;
  std::vector<LackingItem> lacking_;
  size_t beyond_stored_ = 0;
};

// The live events of all users, with the rows of one bundle. Events that the
// bundle's data have already (see Manifest.changes_through) are passed over.
// Immutable; one that a few users' events
// were added to shares nearly everything with the one before.
class BundleEvents {
 public:
  // `before` with the events of `users` as `events` has them now, all of which
  // it replaces. Null `before`: there were none. Null: no user has any.
  static std::shared_ptr<const BundleEvents> Update(
      const BundleEvents* before, const Bundle& bundle,
      const UserEvents& events, std::span<const std::string> users);

  // Null for a user without live events. `key` is looked at only for a user
  // that the bundle does not know: `user` is kNoRow.
  const MetItems* Find(Row user, std::string_view key) const;

  size_t users() const { return users_; }

 private:
  // The users are divided by hash, so that an update copies few of them.
  static constexpr size_t kParts = 1024;
  template <typename Key>
  using Part = absl::flat_hash_map<Key, std::shared_ptr<const MetItems>>;
  template <typename Key>
  using Parts = std::array<std::shared_ptr<const Part<Key>>, kParts>;
  template <typename Key>
  class Writer;

  Parts<Row> known_;
  // Users that the bundle does not know.
  Parts<std::string> unknown_;
  size_t users_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_EVENTS_H_
