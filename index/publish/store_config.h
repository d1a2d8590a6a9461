#ifndef TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_
#define TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Returns `given` with the defaults of config.proto for the fields that are not
// set. INVALID_ARGUMENT for a value out of range; the message begins with the
// field's path, "download.<field>" or "s3.<field>".
absl::StatusOr<v1::Download> CompleteDownload(v1::Download given);
absl::StatusOr<v1::S3> CompleteS3(v1::S3 given);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_
