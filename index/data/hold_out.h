#ifndef TRIBUTARY_INDEX_DATA_HOLD_OUT_H_
#define TRIBUTARY_INDEX_DATA_HOLD_OUT_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/data/data_set.h"

namespace tributary {

// Which interactions are held out of training, to test on; and how much a model
// then knows of the time that it is tested on.
enum class SplitBy {
  // Each user's newest share. A user's own future stays unknown. Trends of the
  // test time leak, because one user's training interactions may be later than
  // another's test interactions. Needs times.
  kUserTime,
  // Everything after one moment, for all users alike: as in production, nothing
  // leaks. Users and items that came later are new, and many users have no test
  // interactions. Needs times.
  kTime,
  // Each user's last interaction, by time, or in the input's order where there
  // are no times. `share` does not matter. Leaks as kUserTime does.
  kLast,
  // A share chosen by a hash of user, item and `purpose`. Splits of different
  // purposes are independent: each takes its share of what another keeps. For
  // data without times only: a user's later interactions may be trained on and
  // the earlier ones tested.
  kHash,
};

// Moves interactions to *held_out and returns the data without them. Users with
// fewer than 5 interactions keep all of theirs, except by kTime. Only
// positive interactions are held out, each user and item once, and no item that
// the user also has among the kept interactions, whose repeats are limited
// anew. Shares are rounded up. Interactions of equal
// time are in the input's order, but kTime does not split one moment. Tables
// keep all rows. FAILED_PRECONDITION when the split needs times and the data
// have none.
absl::StatusOr<DataSet> HoldOut(DataSet data, SplitBy by, double share,
                                std::string_view purpose,
                                std::vector<Interaction>* held_out);

// By kUserTime where the data have times, else by kHash.
DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_HOLD_OUT_H_
