#include "index/publish/open_store.h"

#include <string_view>

#include "index/bundle/version_directory.h"
#include "index/publish/directory_store.h"
#include "index/publish/http_store.h"
#include "index/publish/s3_store.h"
#include "index/publish/store_config.h"
#include "status/status_macros.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url,
                                                 const StoreOptions& options) {
  ASSIGN_OR_RETURN(const v1::Download download,
                   CompleteDownload(options.download));
  if (url.starts_with("s3://")) {
    ASSIGN_OR_RETURN(const v1::S3 s3, CompleteS3(options.s3));
    return S3Store::Open(url, download, s3);
  }
  if (url.starts_with("http://") || url.starts_with("https://")) {
    return HttpStore::Open(url, download);
  }
  if (url.empty() || url.find("://") != std::string::npos) {
    return absl::InvalidArgumentError(
        "store: expected a directory, http(s)://HOST/PATH or "
        "s3://BUCKET/PREFIX");
  }
  RETURN_IF_ERROR(CheckVersionsRoot("store", url));
  return std::make_unique<DirectoryStore>(url);
}

}  // namespace tributary
