#include "index/publish/publish.h"

#include <chrono>
#include <optional>
#include <string>

#include "index/publish/directory_store.h"
#include "index/sign/signature.h"
#include "index/sign/signed_current.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status WriteSigned(Store* store, uint64_t version,
                         const std::filesystem::path& key) {
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count();
  ASSIGN_OR_RETURN(const std::string text, SignCurrent(version, now_ms, key));
  return store->WriteSmallFile(kSignedCurrentName, text);
}

}  // namespace

absl::Status Publish(const std::filesystem::path& bundle_dir, Store* store,
                     const std::filesystem::path& key) {
  ASSIGN_OR_RETURN(VersionSource source, OpenVersionSource(bundle_dir));
  std::optional<std::string> signature;
  if (!key.empty()) {
    ASSIGN_OR_RETURN(const SignedManifest manifest,
                     source.store.ReadManifest(source.version, {}));
    ASSIGN_OR_RETURN(signature, SignManifest(manifest.json, key));
  }
  RETURN_IF_ERROR(store->PutVersion(bundle_dir, signature, {}));
  RETURN_IF_ERROR(store->WriteCurrent(source.version));
  if (key.empty()) return absl::OkStatus();
  return WriteSigned(store, source.version, key);
}

absl::StatusOr<uint64_t> Refresh(Store* store,
                                 const std::filesystem::path& key) {
  ASSIGN_OR_RETURN(const uint64_t version, store->ReadCurrent({}));
  if (version == 0) {
    return absl::FailedPreconditionError(store->url() +
                                         ": nothing was published there yet");
  }
  RETURN_IF_ERROR(WriteSigned(store, version, key));
  return version;
}

}  // namespace tributary
