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
  // May be left out where it adds nothing.
  bool droppable = true;
};

struct TuneInput {
  // Lists of every source, for users on whose test items no source was
  // trained; and what the same sources propose to strangers.
  std::span<const UserLists> users;
  std::span<const UserLists> strangers;
  std::span<const TunedSource> sources;
  uint32_t k = 0;
  uint32_t threads = 1;
};

struct TunedFusion {
  v1::FusionModel model;
  // Prefixes of the list, the last of them k.
  std::vector<uint32_t> ks;
  // By user and prefix: the fused list with weights learned from the other half
  // of the users.
  Recalls recalls;
  // The same of the source that is best at each k.
  Recalls best_alone;
};

// Learns how to merge the sources: the weights; which sources add nothing at
// any prefix; segments by length of history, where their own weights are better
// on users they were not learned from; and the quotas that the merged lists
// have anyway, so that they bind only where a list is unusual. Where the
// merged list gains little over its best source at some prefix, the weights of
// all but the first source in order of priority are lowered. REQUIRES: users
// and sources.
TunedFusion TuneFusion(const TuneInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_TUNE_FUSION_H_
