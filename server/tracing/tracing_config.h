#ifndef TRIBUTARY_SERVER_TRACING_TRACING_CONFIG_H_
#define TRIBUTARY_SERVER_TRACING_TRACING_CONFIG_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Fills in defaults and checks ranges; errors name the field, as
// "tracing.slow_ms: ...". `program` is the default of service_name.
absl::StatusOr<v1::Tracing> CompleteTracing(v1::Tracing given,
                                            std::string_view program);
// The same for "slow_calls.threshold_ms: ...".
absl::StatusOr<v1::SlowCalls> CompleteSlowCalls(v1::SlowCalls given);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRACING_TRACING_CONFIG_H_
