#ifndef TRIBUTARY_INDEX_CHANGES_UPSERTED_ITEMS_H_
#define TRIBUTARY_INDEX_CHANGES_UPSERTED_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// What changes say of an item that they add.
struct Upsertion {
  // The number of the last change of it.
  uint64_t change = 0;
  // A serialized v1::UpsertItem, which takes a fraction of the message's
  // memory: there may be many, and few are looked at again.
  std::string item;

  v1::UpsertItem Item() const {
    v1::UpsertItem parsed;
    parsed.ParseFromString(item);
    return parsed;
  }
};

// The items that changes have upserted, by key: the last upsert of each, with
// the attributes that later changes set. Whether a version has the item itself
// is not known here. Not thread-safe.
class UpsertedItems {
 public:
  using Upsertions = absl::flat_hash_map<std::string, Upsertion>;

  // Changes come in the order of their numbers. Returns whether something is
  // different now.
  bool Apply(const v1::Change& change) {
    if (change.has_upsert()) {
      upsertions_.insert_or_assign(
          change.item(),
          Upsertion{change.number(), change.upsert().SerializeAsString()});
      return true;
    }
    if (!change.has_set()) return false;
    const auto found = upsertions_.find(change.item());
    if (found == upsertions_.end()) return false;
    v1::UpsertItem item = found->second.Item();
    for (const auto& [name, value] : change.set().attributes().fields()) {
      (*item.mutable_features()->mutable_fields())[name] = value;
    }
    found->second = {change.number(), item.SerializeAsString()};
    return true;
  }

  // Null for an item that was never upserted.
  const Upsertion* Find(std::string_view key) const {
    const auto found =
        upsertions_.find(absl::string_view(key.data(), key.size()));
    return found == upsertions_.end() ? nullptr : &found->second;
  }
  const Upsertions& upsertions() const { return upsertions_; }
  size_t size() const { return upsertions_.size(); }

 private:
  Upsertions upsertions_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_UPSERTED_ITEMS_H_
