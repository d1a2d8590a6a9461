#include "index/publish/publish.h"

#include <optional>
#include <string>

#include "index/publish/directory_store.h"
#include "index/sign/signature.h"
#include "status/status_macros.h"

namespace tributary {

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
  return store->WriteCurrent(source.version);
}

}  // namespace tributary
