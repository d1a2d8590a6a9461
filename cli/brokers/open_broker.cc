#include "cli/brokers/open_broker.h"

#include "fmt/format.h"
#ifdef TRIBUTARY_HAS_KAFKA
#include "cli/brokers/kafka_topic.h"
#endif
#ifdef TRIBUTARY_HAS_REDIS
#include "cli/brokers/redis_stream.h"
#endif

namespace tributary {
namespace {

[[maybe_unused]] absl::Status NotBuilt(const char* kind, const char* package) {
  return absl::UnimplementedError(
      fmt::format("this build has no {} reader: install {}, run CMake again, "
                  "and build",
                  kind, package));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Broker>> OpenBroker(
    const BrokerAddress& address) {
  if (address.kind == "kafka") {
#ifdef TRIBUTARY_HAS_KAFKA
    return KafkaTopic::Open(address);
#else
    return NotBuilt("Kafka", "librdkafka-dev");
#endif
  }
#ifdef TRIBUTARY_HAS_REDIS
  return std::make_unique<RedisStream>(address);
#else
  return NotBuilt("Redis", "libhiredis-dev");
#endif
}

}  // namespace tributary
