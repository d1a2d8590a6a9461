#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_

#include <vector>

#include "index/data/data_set.h"
#include "index/parallel/progress.h"
#include "index/train/neighbors/neighbor_lists.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The tables that are configured and that the data have what it takes for, in
// the order of NeighborMethod::Kind.
std::vector<NeighborMethod::Kind> NeighborKinds(const DataSet& data,
                                                const v1::BuildConfig& config);

// How the configured tables are made, one method each, in the order of
// NeighborKinds. The methods in `settled` are returned as they are. Settings
// that are not configured (item_item's weighting, ease's ridge, covisit's
// backward count, each retriever's decay) are those that find most of a fifth
// of the interactions, held out again: by the mean of recall at 20, 100 and
// 500, over at most 2000 users. Decay stays 0 where there are no times. With
// nothing to hold out, settings have fixed values. `config` is complete. The
// result does not depend on its threads.
std::vector<NeighborMethod> ChooseNeighborMethods(
    const DataSet& data, const v1::BuildConfig& config,
    std::vector<NeighborMethod> settled, const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_
