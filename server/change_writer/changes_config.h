#ifndef TRIBUTARY_SERVER_CHANGES_CHANGES_CONFIG_H_
#define TRIBUTARY_SERVER_CHANGES_CHANGES_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Fills in the defaults, which config.proto lists. INVALID_ARGUMENT that names
// the field, such as changes.max_batch.
absl::StatusOr<v1::ChangeWriting> CompleteChangeWriting(
    v1::ChangeWriting given);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CHANGES_CHANGES_CONFIG_H_
