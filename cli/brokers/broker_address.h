#ifndef TRIBUTARY_CLI_BROKERS_BROKER_ADDRESS_H_
#define TRIBUTARY_CLI_BROKERS_BROKER_ADDRESS_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary {

// kafka://HOST:PORT[,HOST:PORT...]/TOPIC[?group=G&PROPERTY=VALUE...], or
// redis://HOST:PORT/STREAM[?group=G].
struct BrokerAddress {
  // "kafka" or "redis".
  std::string kind;
  std::string servers;
  // The topic or the stream.
  std::string name;
  std::string group = "tributary";
  // Of Kafka: properties of its client, such as security.protocol.
  std::map<std::string, std::string> properties;

  // The address without properties, which may be secrets. Equal for equal
  // topics, streams and groups.
  std::string Text() const;
};

// Whether the text begins as the address of a broker does.
bool IsBrokerAddress(std::string_view text);

// INVALID_ARGUMENT says what is wrong and what was expected.
absl::StatusOr<BrokerAddress> ParseBrokerAddress(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_BROKER_ADDRESS_H_
