#ifndef TRIBUTARY_INDEX_BUILD_BUILD_H_
#define TRIBUTARY_INDEX_BUILD_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/build/data_set.h"
#include "index/build/progress.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What a retriever's proposals are worth: the fields of v1::RetrieverSpec.
struct SourceCalibration {
  std::vector<uint32_t> rank_upper_bounds;
  std::vector<double> hit_rates;
  double fusion_weight = 0;
};

// What a trial bundle was found to be worth.
struct Judgement {
  v1::MeasuredRecall recall;
  // By retriever.
  std::map<std::string, SourceCalibration> calibration;
  // As in v1::Manifest.
  bool reserve_by_score = false;
};

// Measures a trial bundle, which was made without the interactions
// `held_out`. Their rows are those of the trial bundle.
using Judge = std::function<absl::StatusOr<Judgement>(
    const std::filesystem::path& trial_bundle,
    const std::vector<Interaction>& held_out)>;

struct BuildRequest {
  std::filesystem::path root;
  uint64_t version = 1;
  // Where the data came from, for the manifest.
  std::string data_name;
  // What is left out takes its default.
  v1::BuildConfig config;
  // Measures recall; nothing is held out without one.
  Judge judge;
  Progress progress = [](std::string_view, double) {};
};

// Trains the spaces, counts popularity, has recall judged on held-out
// interactions, builds the indexes and writes root/<version>. Returns its
// directory. Same data, config and seed: same bytes, the manifest's created_at
// aside. Vectors that came with the data are not judged: they were trained on
// what would be held out. Errors: INVALID_ARGUMENT naming a field of the
// configuration; FAILED_PRECONDITION when the data give nothing to retrieve
// by; ALREADY_EXISTS; and what the judge and the file system report.
absl::StatusOr<std::filesystem::path> BuildBundle(const DataSet& data,
                                                  const BuildRequest& request);

// Moves a share of each user's interactions to *held_out: the newest where
// there are real times, else a share chosen by a hash of user, item and
// `purpose`, which depends on no other interaction: of what one purpose leaves,
// another takes its share. Users with fewer than 5 interactions keep
// all of theirs. Only values above 0 are held out, each user and item once, and
// nothing that the user also has among what stays. Tables keep all rows.
DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_BUILD_H_
