#ifndef TRIBUTARY_CLI_STORE_CHANGES_H_
#define TRIBUTARY_CLI_STORE_CHANGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/changes/read_changes.h"
#include "tributary/v1/changes.pb.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

inline bool IsS3Store(const std::string& store) {
  return store.starts_with("s3://");
}

// Passes all changes of a store's log, a directory or s3://BUCKET/PREFIX, to
// `take`, and returns its head. Errors as ReadChanges'.
absl::StatusOr<ChangeHead> ReadStoreChanges(const std::string& store,
                                            const v1::S3& s3, TakeChange take);

// The changes that this program knows, and the number of the last one.
struct StoreChanges {
  std::vector<v1::Change> changes;
  uint64_t through = 0;
};
absl::StatusOr<StoreChanges> ReadStoreChanges(const std::string& store,
                                              const v1::S3& s3);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_STORE_CHANGES_H_
