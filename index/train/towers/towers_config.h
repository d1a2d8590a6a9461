#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_CONFIG_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_CONFIG_H_

#include "absl/status/status.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Fills in defaults and checks every field. INVALID_ARGUMENT naming the field
// and the values it may have.
absl::Status CompleteTowers(v1::Towers* towers);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_CONFIG_H_
