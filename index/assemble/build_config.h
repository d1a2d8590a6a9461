#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `config` with every field that was left out at its default. INVALID_ARGUMENT,
// naming the field and what it may be, for one that is out of range.
absl::StatusOr<v1::BuildConfig> CompleteBuildConfig(v1::BuildConfig config);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_
