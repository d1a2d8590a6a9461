#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/data/data_set.h"
#include "index/train/progress.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What a trial bundle was found to be worth.
struct Judgement {
  v1::MeasuredRecall recall;
  v1::FusionModel fusion;
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

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_
