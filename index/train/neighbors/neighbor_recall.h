#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"
#include "index/data/histories.h"
#include "index/train/neighbors/neighbor_lists.h"

namespace tributary {

// Users and their held-out items, to measure lists with.
struct NeighborTest {
  struct User {
    Row user;
    // Ascending.
    std::vector<Row> items;
  };
  std::vector<User> users;
};

// Takes an even sample of at most `max_users` users. REQUIRES: held_out is
// ordered by user.
NeighborTest MakeNeighborTest(std::span<const Interaction> held_out,
                              size_t max_users);

// For each of `decays`: recall at 20, 100 and 500 of what the server's
// retriever would propose to the test's users; the mean over these and over
// users.
std::vector<double> MeasureNeighborRecall(const NeighborTest& test,
                                          const Histories& histories,
                                          const NeighborLists& lists,
                                          std::span<const double> decays,
                                          uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_RECALL_H_
