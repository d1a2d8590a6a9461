#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "index/data/data_set.h"
#include "index/parallel/progress.h"
#include "index/train/history/history_batch.h"
#include "index/train/history/history_data.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `settings` with values chosen for those that are not set: the ones whose
// model finds most of what is held out of `data`. One setting after the other
// is moved along a short list of values for as long as recall rises. Candidates
// are trained as reduced models, a dozen of them at most: fewer the more a
// training takes, and the fewer users there are to measure on. Data with too
// few users get the values that the search starts from. Errors: those of
// training.
absl::StatusOr<v1::HistoryTower> ChooseHistorySettings(
    const DataSet& data, v1::HistoryTower settings, uint64_t seed,
    uint32_t threads, const Progress& progress);

// How to train on these histories: settings as in `given`, else as the search
// starts from. Settings that depend on sizes alone are set here.
HistorySettings TrainingSettings(const HistoryData& data,
                                 const v1::HistoryTower& given);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_
