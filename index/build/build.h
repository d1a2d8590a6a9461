#ifndef TRIBUTARY_INDEX_BUILD_BUILD_H_
#define TRIBUTARY_INDEX_BUILD_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/build/data_set.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A step and how much of it is done, 0 to 1; called from one thread.
using Progress = std::function<void(std::string_view step, double done)>;

struct BuildRequest {
  std::filesystem::path root;
  uint64_t version = 1;
  // Where the data came from, for the manifest.
  std::string data_name;
  v1::BuildConfig config;
  Progress progress = [](std::string_view, double) {};
};

// Trains the spaces, counts popularity, measures recall on held-out
// interactions, builds the indexes and writes root/<version>. Returns its
// directory. Same data, config and seed: same bytes, the manifest's created_at
// aside.
absl::StatusOr<std::filesystem::path> BuildBundle(const DataSet& data,
                                                  const BuildRequest& request);

// Moves a share of each user's interactions to *held_out: the newest where
// there are real times, else a share chosen by a hash of user and item. Users
// with fewer than 5 interactions keep all of theirs.
DataSet HoldOut(DataSet data, double share,
                std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_BUILD_H_
