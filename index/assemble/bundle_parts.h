#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "index/assemble/build.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "index/train/neighbors/neighbor_lists.h"
#include "index/train/popularity.h"
#include "index/train/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The items that users already had, as they are stored: those of user u are
// rows[offsets[u]] to rows[offsets[u + 1]], each once, newest last.
struct SeenLists {
  std::vector<uint64_t> offsets;
  std::vector<Row> rows;
};
SeenLists ListSeen(const DataSet& data);

// What was chosen by recall on a slice of the interactions.
struct Choices {
  std::vector<NeighborMethod> neighbors;
};
// `config` is complete.
Choices Choose(const DataSet& data, const v1::BuildConfig& config,
               const Progress& progress);

// What is made from a data set, before it is written.
struct BundleParts {
  std::vector<TrainedSpace> spaces;
  CountedPopularity popularity;
  SeenLists seen;
  std::vector<NeighborLists> neighbors;
};

// Trains and counts, as configured and chosen; `config` is complete. Data
// without anything to train a space on get none. Errors: FAILED_PRECONDITION
// when there is nothing to retrieve by; INVALID_ARGUMENT for a configured
// column that is not there; and those of the trainers.
absl::StatusOr<BundleParts> MakeParts(const DataSet& data,
                                      const v1::BuildConfig& config,
                                      const Choices& choices,
                                      const Progress& progress);

// Where and as what parts are written.
struct WriteRequest {
  std::filesystem::path root;
  uint64_t version;
  v1::Builder builder;
  v1::IndexChoice index;
  uint32_t threads;
  // Of a trial on held-out interactions, if there was one.
  Judgement judgement;
};

// Builds the indexes and writes root/<version>. Returns its path.
absl::StatusOr<std::filesystem::path> WriteParts(const DataSet& data,
                                                 const BundleParts& parts,
                                                 const WriteRequest& request,
                                                 const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_
