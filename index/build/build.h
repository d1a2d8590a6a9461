#ifndef TRIBUTARY_INDEX_BUILD_BUILD_H_
#define TRIBUTARY_INDEX_BUILD_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/build/data_set.h"
#include "index/build/progress.h"
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

// What is kept from training, to be tested on. Beside each: what a model may
// then know of the time that it is tested on.
enum class SplitBy {
  // Each user's newest share. A user's own future stays unknown; but one user's
  // training interactions may be later than another's test interactions, so
  // that trends of the test time leak. Needs times.
  kUserTime,
  // Everything after one moment, for all users alike: as in production, nothing
  // leaks. Users and items that came later are new, and many users have no test
  // interactions. Needs times.
  kTime,
  // Each user's last interaction (by time, or of the input where there are no
  // times); `share` does not matter. Leaks as kUserTime does.
  kLast,
  // A share chosen by a hash of user, item and `purpose`, which depends on no
  // other interaction: of what one purpose leaves, another takes its share. A
  // user's later interactions are trained on and the earlier ones tested: only
  // for data without times.
  kHash,
};

// Moves interactions to *held_out. Users with fewer than 5 interactions keep
// all of theirs, except by kTime. Only values above 0 are held out, each user
// and item once, and nothing that the user also has among what stays. Shares
// are rounded up; ties of time are in order of input, but one moment is not
// split by kTime. Tables keep all rows. FAILED_PRECONDITION when times are
// needed and the data have none.
absl::StatusOr<DataSet> HoldOut(DataSet data, SplitBy by, double share,
                                std::string_view purpose,
                                std::vector<Interaction>* held_out);

// By kUserTime where there are real times, else by kHash.
DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_BUILD_H_
