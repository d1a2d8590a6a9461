#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_

#include <vector>

#include "index/data/data_set.h"
#include "index/train/neighbors/neighbor_lists.h"
#include "index/train/progress.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// How the configured tables are made, one method each. What the configuration
// leaves open (item_item's weighting, ease's ridge, covisit's backward count,
// each retriever's decay) is what finds most of a fifth of the interactions,
// held out again: the mean of recall at 20, 100 and 500, users alike, of at
// most 2000 of them. Decay stays 0 where there are no times; covisit is left
// out there. With nothing to hold out: fixed values. `config` is complete. The
// result does not depend on its threads.
std::vector<NeighborMethod> ChooseNeighborMethods(const DataSet& data,
                                                  const v1::BuildConfig& config,
                                                  const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CHOOSE_NEIGHBORS_H_
