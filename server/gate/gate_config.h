#ifndef TRIBUTARY_SERVER_GATE_GATE_CONFIG_H_
#define TRIBUTARY_SERVER_GATE_GATE_CONFIG_H_

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// `given`, with every absent field set to the default that config.proto states.
// INVALID_ARGUMENT for a value out of range; the message begins with the
// field's name.
absl::StatusOr<v1::Gate> CompleteGate(v1::Gate given);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_GATE_CONFIG_H_
