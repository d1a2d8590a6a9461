#ifndef TRIBUTARY_INDEX_PUBLISH_OPEN_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_OPEN_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "index/publish/store.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

struct StoreOptions {
  // Stores on other hosts use stall_ms and attempts.
  v1::Download download;
  v1::S3 s3;
};

// Opens the store at `url`: a directory, http(s)://HOST/PATH or
// s3://BUCKET/PREFIX. Nothing is read yet, so that the store need not exist or
// be reachable. INVALID_ARGUMENT for another URL, and for options out of range.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url,
                                                 const StoreOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_OPEN_STORE_H_
