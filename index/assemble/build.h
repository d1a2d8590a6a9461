#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/assemble/report.h"
#include "index/bundle/judgement.h"
#include "index/data/data_set.h"
#include "index/parallel/progress.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Measures a validation bundle: one that was made without the interactions
// `held_out`, whose rows are those of the validation bundle.
using Judge = std::function<absl::StatusOr<Judgement>(
    const std::filesystem::path& validation_bundle,
    const std::vector<Interaction>& held_out, const Progress& progress)>;

struct BuildRequest {
  std::filesystem::path root;
  uint64_t version = 1;
  // Where the data came from, for the manifest.
  std::string data_name;
  // The number of the last live change that is in the data, for the manifest.
  uint64_t changes_through = 0;
  // Fields that are not set take their defaults.
  v1::BuildConfig config;
  // Measures recall and learns fusion. Without one nothing is held out.
  Judge judge;
  // The manifest of an earlier bundle whose choices are taken over where they
  // apply (see take_over.h). No validation bundle is made then: fusion and
  // measured recall are taken over, too. There are two exceptions:
  // config.validation_share is set and above 0; or the bundle's retrievers are
  // not the earlier bundle's, so that its fusion model does not apply.
  std::optional<v1::Manifest> like;
  Progress progress = IgnoreProgress;
  // Hears what is taken over from `like`, and what is not and why.
  Report report = IgnoreReport;
};

// Trains the spaces, counts popularity, has recall judged on held-out
// interactions, builds the indexes and writes root/<version>. Returns its
// directory. First removes what earlier builds that were killed left in `root`.
// Same data, configuration, seed and `like`: same bytes, the manifest's
// created_at aside. Vectors that came with the data are not judged: they were
// trained on what would be held out. Errors: INVALID_ARGUMENT naming a field of
// the configuration; FAILED_PRECONDITION when the data give nothing to retrieve
// by; ALREADY_EXISTS; and what the judge and the file system report.
absl::StatusOr<std::filesystem::path> BuildBundle(const DataSet& data,
                                                  const BuildRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUILD_H_
