#ifndef TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_
#define TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"
#include "index/train/trainer.h"

namespace tributary {

// The recall of a space on `held_out`: the mean of recall at 20, at 100 and at
// 500, over the users of `held_out` or an even sample of `max_users` of them.
// Items are ranked by their inner product with the user's vector, the user's
// items in `kept` excluded. `kept` is what the space was trained on, without
// `held_out`; both are ordered by user. Items without a vector count as misses,
// and so does everything of a user without one. 0 when nothing is held out. The
// result does not depend on `threads`.
double SpaceRecall(const TrainedSpace& space, std::span<const Interaction> kept,
                   std::span<const Interaction> held_out, size_t max_users,
                   uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_
