#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"
#include "index/data/histories.h"
#include "index/train/neighbors/neighbor_lists.h"

namespace tributary {

// Users and what they had later, to measure lists with.
struct NeighborTest {
  struct User {
    Row user;
    // Ascending.
    std::vector<Row> items;
  };
  std::vector<User> users;
};

// Takes at most `max_users`, evenly. REQUIRES: held_out is ordered by user.
NeighborTest MakeNeighborTest(std::span<const Interaction> held_out,
                              size_t max_users);

// The mean of recall at 20, 100 and 500, users alike, of what the server's
// retriever would propose to the test's users with each of `decays`.
std::vector<double> MeasureNeighborRecall(const NeighborTest& test,
                                          const Histories& histories,
                                          const NeighborLists& lists,
                                          std::span<const double> decays,
                                          uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_
