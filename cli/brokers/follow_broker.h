#ifndef TRIBUTARY_CLI_BROKERS_FOLLOW_BROKER_H_
#define TRIBUTARY_CLI_BROKERS_FOLLOW_BROKER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/changes/change_log.h"

namespace tributary {

// See FollowBroker.
struct FollowOptions {
  // See BrokerAddress.
  std::string address;
  // The folder of the log, in which the reader keeps a file and a lock.
  std::filesystem::path folder;
  // Opens the log, for one batch. UNAVAILABLE while another process writes.
  std::function<absl::StatusOr<std::unique_ptr<ChangeLog>>()> open;
  // Whether a message that is no change is an error.
  bool strict = false;
  // Whether it ends when the broker has no more messages, or failed for 10 s,
  // or the disk is full.
  bool drain = false;
};

// What became of the messages that were read.
struct FollowCounts {
  uint64_t written = 0;
  uint64_t passed_over = 0;
  // Delivered again although they had been written.
  uint64_t again = 0;
};

// Writes the changes that come from a broker into a log, at most 1 000 at a
// time or what came within 50 ms, and commits each batch at the broker after it
// was written, until SIGTERM or SIGINT comes. Each message is written once,
// whatever is killed when. A message that is no change is named on standard
// error and passed over. What may pass, such as a broker that is away, is named
// once, and tried again. Errors: INVALID_ARGUMENT for the address, and, if
// options.strict is set, for a message; UNIMPLEMENTED when this build has no
// reader of that kind; UNAVAILABLE when another process reads for the same
// group into the log; those of the log.
absl::Status FollowBroker(const FollowOptions& options, FollowCounts* counts);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_FOLLOW_BROKER_H_
