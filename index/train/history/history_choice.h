#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "index/data/data_set.h"
#include "index/train/history/history_batch.h"
#include "index/train/history/history_data.h"
#include "index/train/progress.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `settings` with those that it leaves out: the ones whose model finds most of
// what is held out of `data`. One setting after the other is moved along a
// short list of values as long as that helps, for at most a dozen runs, fewer
// the more a run costs and the fewer users there are to measure by. Data with
// too few get the values that the search starts from. Errors: those of
// training.
absl::StatusOr<v1::HistoryTower> ChooseHistorySettings(
    const DataSet& data, v1::HistoryTower settings, uint64_t seed,
    uint32_t threads, const Progress& progress);

// How to train on these histories: `given`, and the values that the search
// starts from for what it leaves out. What depends on size alone is set here.
HistorySettings TrainingSettings(const HistoryData& data,
                                 const v1::HistoryTower& given);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_CHOICE_H_
