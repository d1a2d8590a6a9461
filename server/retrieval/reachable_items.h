#ifndef TRIBUTARY_SERVER_RETRIEVAL_REACHABLE_ITEMS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_REACHABLE_ITEMS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// The items of a catalogue that some retriever can propose for some query. Not
// thread-safe.
class ReachableItems {
 public:
  // `items` is the catalogue's size. No item is reachable yet.
  explicit ReachableItems(uint64_t items)
      : reachable_(items), unreachable_(items) {}

  // Ignores a row that the catalogue does not have: a file that was not
  // verified may hold one.
  void Add(Row item) {
    if (item >= reachable_.size() || reachable_[item]) return;
    reachable_[item] = true;
    --unreachable_;
  }
  void AddAll() {
    std::fill(reachable_.begin(), reachable_.end(), true);
    unreachable_ = 0;
  }

  bool Has(Row item) const {
    return item < reachable_.size() && reachable_[item];
  }
  uint64_t items() const { return reachable_.size(); }
  uint64_t unreachable() const { return unreachable_; }

 private:
  std::vector<bool> reachable_;
  uint64_t unreachable_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_REACHABLE_ITEMS_H_
