#ifndef TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_
#define TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `given` with the defaults that config.proto states. INVALID_ARGUMENT for a
// value out of range; the message begins with the field's name, after
// "download." or "s3.".
absl::StatusOr<v1::Download> CompleteDownload(v1::Download given);
absl::StatusOr<v1::S3> CompleteS3(v1::S3 given);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_CONFIG_H_
