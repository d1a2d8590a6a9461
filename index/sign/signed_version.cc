#include "index/sign/signed_version.h"

#include <string>

#include "index/bundle/mapped_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::StatusOr<std::string> ReadWholeFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()),
                     file.bytes().size());
}

absl::StatusOr<SignedManifest> ReadSigned(const std::filesystem::path& dir) {
  SignedManifest manifest;
  ASSIGN_OR_RETURN(manifest.json, ReadWholeFile(dir / kManifestName));
  auto signature = ReadWholeFile(dir / kSignatureName);
  if (absl::IsNotFound(signature.status())) return manifest;
  RETURN_IF_ERROR(signature.status());
  if (signature->size() == kSignatureBytes) {
    manifest.signature = *std::move(signature);
  } else {
    manifest.why_unsigned = "it has another length than a signature";
  }
  return manifest;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Bundle>> OpenSigned(
    const std::filesystem::path& dir, const PublicKeys& keys) {
  if (keys.empty()) return Bundle::Open(dir);
  // What is no bundle is refused for that reason.
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(dir));
  ASSIGN_OR_RETURN(const SignedManifest manifest, ReadSigned(dir));
  RETURN_IF_ERROR(keys.Check(manifest));
  ASSIGN_OR_RETURN(const v1::Manifest parsed, ParseManifest(manifest.json));
  if (parsed.SerializeAsString() != bundle->manifest().SerializeAsString()) {
    return absl::DataLossError(
        "manifest.json: changed while the version was being opened");
  }
  return bundle;
}

}  // namespace tributary
