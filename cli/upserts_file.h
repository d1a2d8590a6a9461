#ifndef TRIBUTARY_CLI_UPSERTS_FILE_H_
#define TRIBUTARY_CLI_UPSERTS_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// The items that live changes have added and a bundle lacks, as a csv file.
struct UpsertedItems {
  // With a header, whose first column is "item".
  std::string csv;
  size_t items = 0;
  // Items with vectors for the bundle's spaces: a new version would have other
  // ones, which it makes of features, so that they are left to live changes.
  size_t with_vectors = 0;
  // What was left out, for people.
  std::vector<std::string> warnings;
};

// `changes` are in the order of their numbers. Later features of an item
// replace those before. Keys and values that the bundle cannot have are left
// out.
UpsertedItems CollectUpserts(const std::vector<v1::Change>& changes,
                             const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_UPSERTS_FILE_H_
