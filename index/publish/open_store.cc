#include "index/publish/open_store.h"

#include "fmt/core.h"
#include "index/publish/directory_store.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url,
                                                 const StoreOptions&) {
  if (url.empty() || url.find("://") != std::string::npos) {
    return absl::InvalidArgumentError("store: expected a directory");
  }
  return std::make_unique<DirectoryStore>(url);
}

}  // namespace tributary
