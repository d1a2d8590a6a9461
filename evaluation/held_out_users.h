// Users with held-out test items, and recall of them.
#ifndef TRIBUTARY_EVALUATION_HELD_OUT_USERS_H_
#define TRIBUTARY_EVALUATION_HELD_OUT_USERS_H_

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/bundle/row.h"

namespace tributary {

// The test items of each user, by key.
using TestItems = std::map<std::string, std::set<std::string>>;

// A user and the items that a list should contain.
struct TestUser {
  std::string key;
  // Rows, ascending. Test items that the catalogue lacks are counted in n_items
  // only, because no list can contain them.
  std::vector<Row> items;
  uint64_t n_items = 0;
};

std::vector<TestUser> FindTestUsers(const TestItems& test_items,
                                    const KeyTable& items);

// For each k of `ks`, the share of the user's test items that is among the
// first k rows of the list; 0 for a user without test items. REQUIRES: ks
// ascending.
std::vector<double> RecallAt(const TestUser& user, std::span<const Row> list,
                             std::span<const uint32_t> ks);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_HELD_OUT_USERS_H_
