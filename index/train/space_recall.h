#ifndef TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_
#define TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"
#include "index/train/trainer.h"

namespace tributary {

// The recall on `held_out` of the items of largest inner product with the
// user's vector, those of `kept` left out: the mean of that at 20, at 100 and
// at 500, over the users of `held_out`, or `max_users` of them, chosen evenly.
// `kept` is what the space was trained on, without `held_out`; both are
// ordered by user. Users and items without a vector are missed. 0 when nothing
// is held out. The result does not depend on `threads`.
double SpaceRecall(const TrainedSpace& space, std::span<const Interaction> kept,
                   std::span<const Interaction> held_out, size_t max_users,
                   uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_SPACE_RECALL_H_
