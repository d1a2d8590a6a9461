#include "index/publish/small_file.h"

#include <utility>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
absl::Status SmallFile::Begin(uint64_t) {
  contents_.clear();
  return absl::OkStatus();
}

absl::Status SmallFile::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > max_bytes_ - contents_.size()) {
    return absl::DataLossError(
        fmt::format("{}: more than {} bytes", what_, max_bytes_));
  }
  contents_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return absl::OkStatus();
}

absl::StatusOr<SignedManifest> ReadSignedManifest(
    const std::function<absl::StatusOr<std::string>(
        const std::string& name, uint64_t max_bytes)>& read) {
  SignedManifest manifest;
  ASSIGN_OR_RETURN(manifest.json, read(kManifestName, kMaxManifestBytes));
  auto signature = read(kSignatureName, kMaxSignatureBytes);
  // Many stores say 403 for what does not exist, and some answer anything with
  // a page of their own: what is no signature is none. Whoever wants one
  // refuses the version, and says why there is none.
  if (absl::IsNotFound(signature.status()) ||
      absl::IsPermissionDenied(signature.status()) ||
      absl::IsDataLoss(signature.status())) {
    manifest.why_unsigned = MessageOf(signature.status());
    return manifest;
  }
  RETURN_IF_ERROR(signature.status());
  if (signature->size() == kSignatureBytes) {
    manifest.signature = *std::move(signature);
  } else {
    manifest.why_unsigned =
        fmt::format("{}: {} bytes, expected the {} of a signature",
                    kSignatureName, signature->size(), kSignatureBytes);
  }
  return manifest;
}

}  // namespace tributary
