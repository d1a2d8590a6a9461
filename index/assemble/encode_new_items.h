#ifndef TRIBUTARY_INDEX_ASSEMBLE_ENCODE_NEW_ITEMS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_ENCODE_NEW_ITEMS_H_

#include "absl/status/statusor.h"
#include "index/assemble/new_items.h"
#include "index/bundle/bundle.h"
#include "index/train/trainer.h"

namespace tributary {

// The vectors that a space with a feature encoder would have given new items,
// whose rows are positions in items.keys; items without a known feature have no
// vector.
// REQUIRES: items were read for the bundle, space is its FindEncodedSpace.
TrainedVectors EncodeByFeatures(const EmbeddingSpace& space,
                                const NewItems& items);

// The same for a space with an item tower. `content` is the result of
// EncodeByFeatures, for towers that read it. Errors: ItemTower::Open's;
// FAILED_PRECONDITION, naming the field, for a tower that reads the vectors of
// another space than FindEncodedSpace. REQUIRES: items were read for the
// bundle.
absl::StatusOr<TrainedVectors> EncodeByTower(const Bundle& bundle,
                                             const EmbeddingSpace& space,
                                             const NewItems& items,
                                             const TrainedVectors& content);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_ENCODE_NEW_ITEMS_H_
