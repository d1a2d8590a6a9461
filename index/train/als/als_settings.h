#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_

#include <cstdint>

#include "index/data/data_set.h"
#include "index/parallel/progress.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `settings` with alpha and regularization chosen where they are not set: those
// of the best recall on interactions of `data` that are held out for it. The
// best ones differ by factors of 16 between data sets. Takes the time of about
// six trainings. Data with too few interactions to hold any out, or to tell
// settings apart, get the settings that the search begins at. The result does
// not depend on `threads`.
v1::Als ChooseAlsSettings(const DataSet& data, const v1::Als& settings,
                          uint64_t seed, uint32_t threads,
                          const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_ALS_ALS_SETTINGS_H_
