// How good the lists are: recall of what users did later. This folder may
// depend on server/pipeline, so that what is judged is what is served.
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
  // Ascending; test items that the catalogue lacks are counted in n_items only:
  // no list can contain them.
  std::vector<Row> items;
  uint64_t n_items = 0;
};

std::vector<TestUser> FindTestUsers(const TestItems& test_items,
                                    const KeyTable& items);

// hits[j] is the share of the user's test items among the first ks[j] rows of
// the list. REQUIRES: ks ascending.
std::vector<double> RecallAt(const TestUser& user, std::span<const Row> list,
                             std::span<const uint32_t> ks);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_HELD_OUT_USERS_H_
