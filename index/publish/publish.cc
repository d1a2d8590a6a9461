#include "index/publish/publish.h"

#include "index/publish/directory_store.h"
#include "status/status_macros.h"

namespace tributary {

absl::Status Publish(const std::filesystem::path& bundle_dir, Store* store,
                     const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const VersionSource source, OpenVersionSource(bundle_dir));
  RETURN_IF_ERROR(store->PutVersion(bundle_dir, std::nullopt, stop));
  return store->WriteCurrent(source.version);
}

}  // namespace tributary
