// Real brokers of messages, for tests.
#ifndef TRIBUTARY_TESTS_CLI_BROKERS_MESSAGE_BROKERS_H_
#define TRIBUTARY_TESTS_CLI_BROKERS_MESSAGE_BROKERS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/process.h"

namespace tributary {

// A broker on a free port, in a directory of its own.
class MessageBroker {
 public:
  virtual ~MessageBroker() = default;
  // The address of a topic, or a stream, of that name.
  virtual std::string Address(const std::string& name) const = 0;
  // Adds messages to it, in this order, and makes it if need be.
  virtual void Add(const std::string& name,
                   const std::vector<std::string>& messages) = 0;
  // Kills it, and starts it again with what it had.
  virtual void Restart() = 0;
};

// Null, with *why, where redis-server, or this build's reader, is missing.
std::unique_ptr<MessageBroker> StartRedis(std::string* why);
// The same for Kafka: scripts/install_kafka.sh brings it.
std::unique_ptr<MessageBroker> StartKafka(std::string* why);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_CLI_BROKERS_MESSAGE_BROKERS_H_
