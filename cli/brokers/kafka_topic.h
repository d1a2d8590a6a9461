#ifndef TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_
#define TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/brokers/broker.h"
#include "cli/brokers/broker_address.h"

namespace tributary {

// A topic of Kafka, read as a member of the group, from the earliest message on
// where the group has committed nothing. Each message's value is a change.
class KafkaTopic : public Broker {
 public:
  // INVALID_ARGUMENT for a property that the client does not know.
  static absl::StatusOr<std::unique_ptr<Broker>> Open(
      const BrokerAddress& address);
  ~KafkaTopic() override;
  KafkaTopic(const KafkaTopic&) = delete;
  KafkaTopic& operator=(const KafkaTopic&) = delete;

  absl::Status Read(std::chrono::milliseconds time,
                    std::vector<BrokerMessage>* messages, bool* found) override;
  absl::Status Commit(std::span<const BrokerMessage> messages) override;
  bool AtEnd() const override;

 private:
  explicit KafkaTopic(const BrokerAddress& address) : address_(address) {}

  absl::Status Start();
  absl::Status ErrorOf(std::string_view what, rd_kafka_resp_err_t error) const;
  static void NoteError(rd_kafka_t* client, int error, const char* reason,
                        void* topic);

  const BrokerAddress address_;
  rd_kafka_t* client_ = nullptr;
  // Partitions whose end was reached.
  std::set<int32_t> ended_;
  // What the client says of its connections, until it was returned.
  std::string noted_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_
