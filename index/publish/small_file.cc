#include "index/publish/small_file.h"

#include <utility>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::StatusOr<std::string> ReadSmallFile(Store& store, uint64_t version,
                                          const std::string& name,
                                          uint64_t max_bytes,
                                          const std::stop_token& stop) {
  SmallFile file(fmt::format("{}/{}/{}", store.url(), version, name),
                 max_bytes);
  std::string validator;
  RETURN_IF_ERROR(store.ReadFile(version, name, 0, &validator, &file, stop));
  return std::move(file.contents());
}

}  // namespace

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

std::string SignedManifest::Fingerprint() const {
  const auto hash = [](const std::string& text) {
    return Sha256Hex(std::as_bytes(std::span(text)));
  };
  return signature ? hash(json) + hash(*signature) : hash(json);
}

absl::StatusOr<SignedManifest> ReadSignedManifest(Store& store,
                                                  uint64_t version,
                                                  const std::stop_token& stop) {
  SignedManifest manifest;
  ASSIGN_OR_RETURN(manifest.json, ReadSmallFile(store, version, kManifestName,
                                                kMaxManifestBytes, stop));
  auto signature =
      ReadSmallFile(store, version, kSignatureName, kMaxSignatureBytes, stop);
  if (signature.ok()) {
    manifest.signature = *std::move(signature);
  } else if (!absl::IsNotFound(signature.status())) {
    return signature.status();
  }
  return manifest;
}

}  // namespace tributary
