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
  // Keys of new items that got no vector in any space: no feature of theirs is
  // known.
  std::vector<std::string> without_vector;
};

// Writes root/<version>: `from` with further items, without training. They get
// a content vector from their features, as the build would have given them; in
// other spaces what the item tower makes of their features or, without one,
// what items of like content have (see VectorPredictor). They stand last in the
// popularity lists that hold the whole catalogue, and in no other. Indexes are
// built again by their recipe (flat where it falls short of the recall it had),
// golden queries answered again; users, the fusion model, fingerprints and the
// recall measured on held-out interactions carry over, for the models are the
// same. Everything in `from` is verified first. Same input, same bytes, the
// manifest's created_at aside; kept files are hard links where the file system
// allows it. Errors: VerifyBundle's; FAILED_PRECONDITION for a bundle with
// files of which it is not known whether they hold rows (see TreatmentOf), and
// EncodeByTower's; ALREADY_EXISTS; and what FAISS and the file system report.
// REQUIRES: items are from ReadNewItems with this bundle.
absl::StatusOr<Extension> ExtendBundle(const Bundle& from,
                                       const NewItems& items,
                                       const ExtendRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_EXTEND_H_
