// Brokers of messages whose messages are live changes: `tributary change STORE
// --from kafka://...` and `--from redis://...`.
//
// - broker.h: what reading from a broker is; open_broker.h opens one.
// - kafka_topic.h, redis_stream.h: the two kinds. Each is in the build only if
//   the library that it needs is installed.
// - applied_batch.h: what was written of the last batch, so that a message that
//   a broker delivers again is not written twice.
// - follow_broker.h: reads, writes, and says so to the broker, until it is told
//   to stop.
#ifndef TRIBUTARY_CLI_BROKERS_BROKER_H_
#define TRIBUTARY_CLI_BROKERS_BROKER_H_

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tributary {

// A message, and its place: places are unique within a topic or a stream.
struct BrokerMessage {
  // "" for a stream, which has one partition.
  std::string partition;
  std::string position;
  std::string text;

  // For people: "12 of partition 0".
  std::string Where() const {
    return partition.empty() ? position
                             : position + " of partition " + partition;
  }
};

// A topic or a stream, read as a member of a group, for which the broker keeps
// what was committed. Not thread-safe.
class Broker {
 public:
  virtual ~Broker() = default;

  // Waits at most `time` for a message, and appends it to *messages. What was
  // not committed comes again when the process, or the connection, is replaced.
  // Sets *found to whether there was one. Errors: UNAVAILABLE and others, after
  // which the next call tries again.
  virtual absl::Status Read(std::chrono::milliseconds time,
                            std::vector<BrokerMessage>* messages,
                            bool* found) = 0;

  // Tells the broker that these messages, which were read since the last
  // commit, in their order, are done with. Errors: as for Read; the caller
  // tries again.
  virtual absl::Status Commit(std::span<const BrokerMessage> messages) = 0;

  // Whether everything that the broker had when it was asked last was read.
  virtual bool AtEnd() const = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_BROKER_H_
