#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/assemble/report.h"
#include "index/bundle/judgement.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "index/parallel/progress.h"
#include "index/train/neighbors/neighbor_lists.h"
#include "index/train/popularity.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The items that users have interacted with, as they are stored: those of user
// u are rows[offsets[u]] to rows[offsets[u + 1]], each once. The items that the
// user wanted come last, from rows[wanted[u]] on; both parts have the newest
// last.
struct SeenLists {
  std::vector<uint64_t> offsets;
  std::vector<Row> rows;
  // By user; empty when users wanted all items that they have seen.
  std::vector<uint64_t> wanted;
};
SeenLists ListSeen(const DataSet& data);

// Choices that BuildConfig has no fields for.
struct Choices {
  std::vector<NeighborMethod> neighbors;
};

// Everything that is made from a data set, before it is written.
struct BundleParts {
  std::vector<TrainedSpace> spaces;
  CountedPopularity popularity;
  SeenLists seen;
  std::vector<NeighborLists> neighbors;
};

// Trains and counts, as configured and chosen; `config` is complete. Spaces
// that the data have nothing to train on are not made. Errors:
// FAILED_PRECONDITION when there is nothing to retrieve by; INVALID_ARGUMENT
// for a configured column that does not exist; and those of the trainers.
absl::StatusOr<BundleParts> MakeParts(const DataSet& data,
                                      const v1::BuildConfig& config,
                                      const Choices& choices,
                                      const Progress& progress);

// Where parts are written, and what the manifest says of them.
struct WriteRequest {
  std::filesystem::path root;
  uint64_t version;
  v1::Builder builder;
  v1::IndexChoice index;
  uint32_t threads;
  // Of a validation bundle, this build's or an earlier one's, if there was one.
  Judgement judgement;
  // The earlier bundle whose index settings are taken over where they still
  // reach the target; null: all are chosen.
  const v1::Manifest* like = nullptr;
  Report report = IgnoreReport;
  // Whose bundle it is; empty: not said.
  std::string product = {};
  // The number of the last live change that is in the data.
  uint64_t changes_through = 0;
};

// The names of the retrievers that a bundle of these parts has.
std::vector<std::string> RetrieverNames(const BundleParts& parts);

// Builds the indexes and writes root/<version>. Returns its path.
absl::StatusOr<std::filesystem::path> WriteParts(const DataSet& data,
                                                 const BundleParts& parts,
                                                 const WriteRequest& request,
                                                 const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUNDLE_PARTS_H_
