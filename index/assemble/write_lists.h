#ifndef TRIBUTARY_INDEX_ASSEMBLE_WRITE_LISTS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_WRITE_LISTS_H_

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The popularity lists that share two files, end to end.
struct SharedLists {
  std::vector<Row> rows;
  std::vector<float> scores;
};

// Writes a list to files of its own or, if `spec` has a `begin`, appends it to
// *shared. Sets the spec's count, and its begin if it has one.
// REQUIRES: the spec's name is set; rows and scores are of equal size.
absl::Status WriteList(std::span<const Row> rows, std::span<const float> scores,
                       BundleWriter* writer, SharedLists* shared,
                       v1::PopularityList* spec);

// Writes the files of the appended lists, if the manifest has any.
absl::Status WriteSharedLists(const v1::Manifest& manifest,
                              const SharedLists& shared, BundleWriter* writer);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_WRITE_LISTS_H_
