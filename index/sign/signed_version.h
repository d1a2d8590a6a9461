#ifndef TRIBUTARY_INDEX_SIGN_SIGNED_VERSION_H_
#define TRIBUTARY_INDEX_SIGN_SIGNED_VERSION_H_

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/sign/signature.h"

namespace tributary {

// Opens the version in `dir`, if one of the keys signed its manifest, and if
// that is the manifest that was opened. Without keys, as Bundle::Open. Errors:
// those of Bundle::Open; those of PublicKeys::Check; DATA_LOSS when the
// manifest was changed meanwhile.
absl::StatusOr<std::shared_ptr<const Bundle>> OpenSigned(
    const std::filesystem::path& dir, const PublicKeys& keys);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SIGN_SIGNED_VERSION_H_
