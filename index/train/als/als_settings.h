#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_

#include <cstdint>

#include "index/data/data_set.h"
#include "index/train/progress.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `settings` with the alpha and the regularization that it leaves out: those of
// best recall on interactions of `data` that are held out for it, found by
// moving one at a time. The best ones differ by factors of 16 between data
// sets. Takes the time of about a dozen trainings. Data with too few
// interactions to hold any out, and with too little to tell settings apart, get
// the ones that the search begins at. The result does not depend on `threads`.
v1::Als ChooseAlsSettings(const DataSet& data, const v1::Als& settings,
                          uint64_t seed, uint32_t threads,
                          const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_
