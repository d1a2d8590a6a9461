#ifndef TRIBUTARY_EVALUATION_TUNE_FUSION_H_
#define TRIBUTARY_EVALUATION_TUNE_FUSION_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/user_lists.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

struct TunedSource {
  std::string name;
  // May be dropped where it adds no recall.
  bool droppable = true;
};

struct TuneInput {
  // Lists of every source, for users on whose test items no source was trained.
  std::span<const UserLists> users;
  // What the same sources propose to the same users when they are cold: unknown
  // to the bundle, without a history.
  std::span<const UserLists> cold_users;
  std::span<const TunedSource> sources;
  uint32_t k = 0;
  uint32_t threads = 1;
};

struct TunedFusion {
  v1::FusionModel model;
  // Prefixes of the list, the last of them k.
  std::vector<uint32_t> ks;
  // By user and prefix: recall of the fused list, with weights learned from the
  // other half of the users.
  Recalls recalls;
  // By user and prefix: recall of the single source that is best at that prefix
  // on average.
  Recalls best_alone;
};

// Learns how to merge the sources. The result has
//   - the weights of a logistic model over ranks (see FitFusion);
//   - only the sources that add recall at some prefix of the list;
//   - segments of users by length of history, where weights of their own are
//     better on users that they were not learned from;
//   - quotas slightly below the shares that sources get without any, so that
//     a quota binds only where a list is unusual.
// Where the fused list gains too little over the best single source at some
// prefix, the weights of all sources but the first in order of priority are
// lowered. REQUIRES: users and sources.
TunedFusion TuneFusion(const TuneInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_TUNE_FUSION_H_
