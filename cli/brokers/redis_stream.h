#ifndef TRIBUTARY_CLI_BROKERS_REDIS_STREAM_H_
#define TRIBUTARY_CLI_BROKERS_REDIS_STREAM_H_

#include <hiredis/hiredis.h>

#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/brokers/broker.h"
#include "cli/brokers/broker_address.h"

namespace tributary {

// A stream of Redis 5 or newer, read by the consumer "tributary" of the group,
// which is made at the stream's beginning if need be. An entry has the change
// in its field `change`, or has one field. The password, if there is one, is in
// the environment variable REDISCLI_AUTH, as for redis-cli.
class RedisStream : public Broker {
 public:
  explicit RedisStream(BrokerAddress address) : address_(std::move(address)) {}

  absl::Status Read(std::chrono::milliseconds time,
                    std::vector<BrokerMessage>* messages, bool* found) override;
  absl::Status Commit(std::span<const BrokerMessage> messages) override;
  bool AtEnd() const override { return at_end_ && read_.empty(); }

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  using Reply = std::unique_ptr<redisReply, FreeReply>;

  // Connects, unless it is connected.
  absl::Status Connect();
  absl::StatusOr<Reply> Call(const std::vector<std::string>& words);
  // Asks for more entries.
  absl::Status Fetch(std::chrono::milliseconds time);

  const BrokerAddress address_;
  std::unique_ptr<redisContext, FreeContext> context_;
  // Entries that were delivered before and not committed are read first: those
  // after this one. Empty: all of them were.
  std::string pending_after_ = "0";
  std::deque<BrokerMessage> read_;
  bool at_end_ = false;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_REDIS_STREAM_H_
