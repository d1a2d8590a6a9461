#ifndef TRIBUTARY_INDEX_ASSEMBLE_EXTEND_H_
#define TRIBUTARY_INDEX_ASSEMBLE_EXTEND_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/assemble/new_items.h"
#include "index/bundle/bundle.h"

namespace tributary {

struct ExtendRequest {
  std::filesystem::path root;
  uint64_t version = 1;
  // Where the items came from, for the manifest.
  std::string data_name;
  uint32_t threads = 1;
};

struct Extension {
  // root/<version>.
  std::filesystem::path dir;
  // Keys of new items that got no vector in any space, because the bundle knows
  // none of their features.
  std::vector<std::string> without_vector;
};

// Writes root/<version>: `from` with further items, without training. New items
// get the content vector that the build would have made from their features. In
// other spaces they get what the item tower makes of their features or, without
// a tower, what items of similar content have (see VectorPredictor). They are
// last in the popularity lists of the whole catalogue and in no other list.
// They have the attributes that their columns say, of the types that they have
// in the bundle. Indexes are built again with their settings (flat where these
// miss the recall they had), and golden queries are answered again. Users, the
// fusion model, fingerprints and the recall measured on held-out interactions
// carry over, because the models are the same; the manifest names the version
// that was measured. Everything in `from` is verified first. Same input, same
// bytes, the manifest's created_at aside; kept files are hard links where the
// file system allows it. Errors: VerifyBundle's; FAILED_PRECONDITION for a
// bundle with files that may or may not hold rows (see TreatmentOf), and
// EncodeByTower's; ALREADY_EXISTS; and what FAISS and the file system report.
// REQUIRES: items are from ReadNewItems with this bundle.
absl::StatusOr<Extension> ExtendBundle(const Bundle& from,
                                       const NewItems& items,
                                       const ExtendRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_EXTEND_H_
