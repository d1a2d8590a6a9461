#ifndef TRIBUTARY_SERVER_CONSOLE_CONSOLE_STATUS_H_
#define TRIBUTARY_SERVER_CONSOLE_CONSOLE_STATUS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What the page shows of versions, and offers in its forms, as JSON:
//   status    v1::ServerStatus
//   bundles   of each resident version: its retrievers, its attributes, the
//             kind of its items' keys, whether it has titles
//   profiles  their names and shares
//   limits, defaults, program
// `config` is complete. INTERNAL when the status cannot be printed.
absl::StatusOr<std::string> ConsoleStatusJson(const v1::ServerConfig& config,
                                              const BundleSet& bundles);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_CONSOLE_STATUS_H_
