#ifndef TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_
#define TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_

#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "index/data/data_set.h"

namespace tributary {

// Writes a data set from which `held_out` was taken as RecBole files: what
// stays as train.inter, every item and user with its features as train.item and
// train.user, so that recbole:DIR has the same tables; and `held_out` as
// test/test.inter, where a reader of DIR does not see it. Texts become their
// words and blanks within categories '_', since RecBole separates by blanks.
// The directory is made. Errors: as WriteInterFile.
absl::Status WriteSplitFiles(const std::filesystem::path& dir,
                             const DataSet& data,
                             std::span<const Interaction> held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_SPLIT_FILES_H_
