#ifndef TRIBUTARY_INDEX_DATA_HOLD_OUT_H_
#define TRIBUTARY_INDEX_DATA_HOLD_OUT_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/data/data_set.h"

namespace tributary {

// What is kept from training, to be tested on. Beside each: what a model may
// then know of the time that it is tested on.
enum class SplitBy {
  // Each user's newest share. A user's own future stays unknown; but one user's
  // training interactions may be later than another's test interactions, so
  // that trends of the test time leak. Needs times.
  kUserTime,
  // Everything after one moment, for all users alike: as in production, nothing
  // leaks. Users and items that came later are new, and many users have no test
  // interactions. Needs times.
  kTime,
  // Each user's last interaction (by time, or of the input where there are no
  // times); `share` does not matter. Leaks as kUserTime does.
  kLast,
  // A share chosen by a hash of user, item and `purpose`, which depends on no
  // other interaction: of what one purpose leaves, another takes its share. A
  // user's later interactions are trained on and the earlier ones tested: only
  // for data without times.
  kHash,
};

// Moves interactions to *held_out. Users with fewer than 5 interactions keep
// all of theirs, except by kTime. Only values above 0 are held out, each user
// and item once, and nothing that the user also has among what stays. Shares
// are rounded up; ties of time are in order of input, but one moment is not
// split by kTime. Tables keep all rows. FAILED_PRECONDITION when times are
// needed and the data have none.
absl::StatusOr<DataSet> HoldOut(DataSet data, SplitBy by, double share,
                                std::string_view purpose,
                                std::vector<Interaction>* held_out);

// By kUserTime where there are real times, else by kHash.
DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_HOLD_OUT_H_
