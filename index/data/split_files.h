#ifndef TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_
#define TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_

#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "index/data/data_set.h"

namespace tributary {

// Writes a data set from which `held_out` was taken as RecBole files:
//   train.inter       the remaining interactions
//   train.item, train.user
//                     every item and user with its features, so that
//                     recbole:DIR has the same tables
//   test/test.inter   `held_out`, where a reader of DIR does not see it
// Text becomes its words, and blanks within categories become '_', because
// RecBole separates by blanks. Creates the directory. Errors: those of
// WriteInterFile.
absl::Status WriteSplitFiles(const std::filesystem::path& dir,
                             const DataSet& data,
                             std::span<const Interaction> held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_
