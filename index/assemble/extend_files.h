// What becomes of a bundle's files when items join its catalogue, which moves
// every row after a new key. A new kind of bundle file must be added here, with
// whether it holds rows of items: bundles with unknown files are not extended.
#ifndef TRIBUTARY_INDEX_ASSEMBLE_EXTEND_FILES_H_
#define TRIBUTARY_INDEX_ASSEMBLE_EXTEND_FILES_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/data/row_map.h"

namespace tributary {

enum class FileTreatment {
  // Does not depend on items: taken over byte for byte.
  kKeep,
  // .npy of uint32, of any shape, whose values are item rows or kNoRow.
  kItemRows,
  // .npy with a row for each item. New items get rows of 0.
  kByItem,
  // Both of these: uint32 with a row for each item, whose values are item rows
  // or kNoRow. New items get rows of kNoRow.
  kItemRowsByItem,
  // Depends on the new items: ExtendBundle makes it anew.
  kMade,
};

// How a file of the bundle with this manifest is treated. FAILED_PRECONDITION,
// naming the file, for an unknown kind of file.
absl::StatusOr<FileTreatment> TreatmentOf(const v1::Manifest& manifest,
                                          std::string_view file);

// Writes the file as it is in the extended bundle: linked or copied when it is
// kept, else with its rows moved. DATA_LOSS, naming the file, when its shape
// does not fit its treatment. REQUIRES: the bundle was verified; the
// file's treatment is not kMade.
absl::Status TakeOverFile(const Bundle& from, std::string_view file,
                          const RowMap& map, BundleWriter* writer);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_EXTEND_FILES_H_
