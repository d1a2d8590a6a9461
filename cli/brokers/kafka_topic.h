#ifndef TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_
#define TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <map>
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

// A topic of Kafka: all partitions of it, from where the group has committed,
// or from the earliest message on. It commits for the group without being one
// of its members, so that nothing has to be agreed on after a reader was
// killed. Each message's value is a change. Partitions that are added are found
// within 10 s.
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
  bool AtEnd() const override {
    return partitions_ > 0 && ended_.size() >= static_cast<size_t>(partitions_);
  }

 private:
  explicit KafkaTopic(const BrokerAddress& address) : address_(address) {}

  absl::Status Start();
  // Reads all partitions from now on, if there are more than were known. Calls
  // for a topic that does not exist fail.
  absl::Status FindPartitions();
  absl::Status ErrorOf(std::string_view what, rd_kafka_resp_err_t error) const;
  static void NoteError(rd_kafka_t* client, int error, const char* reason,
                        void* topic);

  const BrokerAddress address_;
  rd_kafka_t* client_ = nullptr;
  int partitions_ = 0;
  std::chrono::steady_clock::time_point looked_{};
  // By partition, the offset after what was read, and after what was committed.
  std::map<int32_t, int64_t> read_;
  std::map<int32_t, int64_t> committed_;
  // Partitions whose end was reached.
  std::set<int32_t> ended_;
  // What the client says of its connections, until it was returned.
  std::string noted_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_KAFKA_TOPIC_H_
