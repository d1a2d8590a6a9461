#ifndef TRIBUTARY_CLI_BROKERS_OPEN_BROKER_H_
#define TRIBUTARY_CLI_BROKERS_OPEN_BROKER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "cli/brokers/broker.h"
#include "cli/brokers/broker_address.h"

namespace tributary {

// UNIMPLEMENTED, saying what to install, when this build has no reader of that
// kind; errors of KafkaTopic::Open and RedisStream.
absl::StatusOr<std::unique_ptr<Broker>> OpenBroker(
    const BrokerAddress& address);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_OPEN_BROKER_H_
