#ifndef TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_
#define TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `config` with defaults in the fields that are not set, except those that the
// builder chooses (see TakeOverChoices). INVALID_ARGUMENT, naming the field and
// its range, for one that is out of range.
absl::StatusOr<v1::BuildConfig> CompleteBuildConfig(v1::BuildConfig config);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_BUILD_CONFIG_H_
