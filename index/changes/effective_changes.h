#ifndef TRIBUTARY_INDEX_CHANGES_EFFECTIVE_CHANGES_H_
#define TRIBUTARY_INDEX_CHANGES_EFFECTIVE_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// The changes of a log that matter for what it says now: whoever applies them
// in the order of their numbers gets what all changes give. What a later change
// says again is left out:
//
//   remove, restore   all but the item's last one of the two
//   expire            all but the item's last one
//   set               those of which later ones set every attribute to a value
//                     of the same kind: one of another kind may be refused
//   upsert            those of which a later one has every column, every
//                     vector and, if need be, a popularity
//   event             those that every version has: see ForgetEvents
//
// A restoration and an expiration that is called off stay, so that whoever has
// applied the changes up to any number can go on with those after it. A change
// that this program does not know stays, too. Not thread-safe.
class EffectiveChanges {
 public:
  // Changes come in the order of their numbers. `verdict_ok`: CheckChange takes
  // the change, which otherwise stays.
  void Add(const v1::Change& change, std::string_view bytes, bool verdict_ok);

  // Leaves out events up to this number, which the versions' data have.
  void ForgetEvents(uint64_t through);

  size_t size() const { return kept_.size(); }
  // Serialized changes by their numbers.
  const std::map<uint64_t, std::string>& kept() const { return kept_; }

 private:
  struct Upsert {
    uint64_t number;
    // Names of columns and of spaces, told apart by their first character.
    std::set<std::string> says;
  };
  // What is kept of an item, by the numbers of the changes; 0: nothing.
  struct Item {
    uint64_t down = 0;
    uint64_t expire = 0;
    // By name and kind of value.
    std::map<std::pair<std::string, int>, uint64_t> set_by;
    // How many attributes each change is the last one of.
    std::map<uint64_t, size_t> sets;
    std::vector<Upsert> upserts;
  };

  void Replace(uint64_t* last, uint64_t number);
  void AddSet(const v1::Change& change, Item* item);
  void AddUpsert(const v1::Change& change, Item* item);

  absl::flat_hash_map<std::string, Item> items_;
  std::set<uint64_t> events_;
  std::map<uint64_t, std::string> kept_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_EFFECTIVE_CHANGES_H_
