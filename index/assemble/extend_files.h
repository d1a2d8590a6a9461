// What becomes of the files of a bundle when items join its catalogue: every
// row behind a new key moves. Whoever adds a kind of file to the bundle says
// here whether it holds rows of items; a bundle with a file that is not said is
// not extended.
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
  // It says nothing of items: taken over byte for byte.
  kKeep,
  // .npy of uint32, of any shape: its values are item rows, or kNoRow.
  kItemRows,
  // .npy with a row for each item. New items get rows of 0.
  kByItem,
  // Both: uint32 with a row for each item, whose values are item rows or
  // kNoRow. New items get rows of kNoRow.
  kItemRowsByItem,
  // ExtendBundle makes it: new items matter to it.
  kMade,
};

// Of a file of the bundle with this manifest. FAILED_PRECONDITION, naming the
// file, for one that nobody said anything of.
absl::StatusOr<FileTreatment> TreatmentOf(const v1::Manifest& manifest,
                                          std::string_view file);

// Writes the file as it is in the extended bundle: linked or copied when it is
// kept, else with its rows moved. DATA_LOSS, naming the file, when its shape is
// not what its treatment asks for. REQUIRES: the bundle was verified; the
// file's treatment is not kMade.
absl::Status TakeOverFile(const Bundle& from, std::string_view file,
                          const RowMap& map, BundleWriter* writer);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_EXTEND_FILES_H_
