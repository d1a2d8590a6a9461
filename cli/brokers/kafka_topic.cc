#include "cli/brokers/kafka_topic.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using std::chrono::steady_clock;
using Partitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t,
                    decltype(&rd_kafka_topic_partition_list_destroy)>;

// How long Kafka may take for an answer.
constexpr int kKafkaPatienceMs = 5000;
constexpr std::chrono::seconds kLookForPartitions(10);

}  // namespace

absl::StatusOr<std::unique_ptr<Broker>> KafkaTopic::Open(
    const BrokerAddress& address) {
  std::unique_ptr<KafkaTopic> topic(new KafkaTopic(address));
  RETURN_IF_ERROR(topic->Start());
  return topic;
}

absl::Status KafkaTopic::Start() {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const absl::Cleanup free_conf = [&conf] {
    if (conf != nullptr) rd_kafka_conf_destroy(conf);
  };
  std::array<char, 512> why{};
  std::map<std::string, std::string> properties = address_.properties;
  properties["bootstrap.servers"] = address_.servers;
  properties["group.id"] = address_.group;
  // Only what was written is committed.
  properties["enable.auto.commit"] = "false";
  properties["auto.offset.reset"] = "earliest";
  properties["enable.partition.eof"] = "true";
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(),
                          why.size()) != RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(fmt::format("kafka: {}", why.data()));
    }
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_error_cb(conf, &KafkaTopic::NoteError);
  // Errors are noted above, once each.
  rd_kafka_conf_set_log_cb(
      conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  client_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
  if (client_ == nullptr) {
    return absl::InvalidArgumentError(fmt::format("kafka: {}", why.data()));
  }
  conf = nullptr;
  rd_kafka_poll_set_consumer(client_);
  return absl::OkStatus();
}

absl::Status KafkaTopic::FindPartitions() {
  looked_ = steady_clock::now();
  rd_kafka_topic_t* const topic =
      rd_kafka_topic_new(client_, address_.name.c_str(), nullptr);
  if (topic == nullptr) return ErrorOf(address_.name, rd_kafka_last_error());
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_resp_err_t error = rd_kafka_metadata(
      client_, /*all_topics=*/0, topic, &metadata, kKafkaPatienceMs);
  rd_kafka_topic_destroy(topic);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(address_.name, error);
  }
  int count = 0;
  if (metadata->topic_cnt == 1) {
    error = metadata->topics[0].err;
    count = metadata->topics[0].partition_cnt;
  }
  rd_kafka_metadata_destroy(metadata);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(address_.name, error);
  }
  if (count <= partitions_) return absl::OkStatus();
  const Partitions all(rd_kafka_topic_partition_list_new(count),
                       &rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add_range(all.get(), address_.name.c_str(), 0,
                                          count - 1);
  // Where nothing is committed, auto.offset.reset says where to begin.
  error = rd_kafka_committed(client_, all.get(), kKafkaPatienceMs);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    error = rd_kafka_assign(client_, all.get());
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(address_.group, error);
  }
  partitions_ = count;
  ended_.clear();
  return absl::OkStatus();
}

KafkaTopic::~KafkaTopic() {
  if (client_ == nullptr) return;
  rd_kafka_assign(client_, nullptr);
  rd_kafka_consumer_close(client_);
  rd_kafka_destroy(client_);
}

void KafkaTopic::NoteError(rd_kafka_t*, int, const char* reason, void* topic) {
  // Called by this object's own calls.
  static_cast<KafkaTopic*>(topic)->noted_ = reason;
}

absl::Status KafkaTopic::ErrorOf(std::string_view what,
                                 rd_kafka_resp_err_t error) const {
  return absl::UnavailableError(fmt::format(
      "kafka {}: {}: {}", address_.servers, what, rd_kafka_err2str(error)));
}

absl::Status KafkaTopic::Read(std::chrono::milliseconds time,
                              std::vector<BrokerMessage>* messages,
                              bool* found) {
  *found = false;
  // Beginning anew at what is committed repeats nothing then.
  if (read_ == committed_ &&
      (partitions_ == 0 ||
       steady_clock::now() - looked_ >= kLookForPartitions)) {
    RETURN_IF_ERROR(FindPartitions());
  }
  const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)>
      message(rd_kafka_consumer_poll(client_, static_cast<int>(time.count())),
              &rd_kafka_message_destroy);
  if (message == nullptr) {
    if (noted_.empty()) return absl::OkStatus();
    return absl::UnavailableError(fmt::format("kafka {}: {}", address_.servers,
                                              std::exchange(noted_, "")));
  }
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    ended_.insert(message->partition);
    return absl::OkStatus();
  }
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(address_.name, message->err);
  }
  ended_.erase(message->partition);
  // One without a value is no change.
  const char* const text = static_cast<const char*>(message->payload);
  messages->push_back(
      {fmt::to_string(message->partition), fmt::to_string(message->offset),
       text == nullptr ? std::string() : std::string(text, message->len)});
  *found = true;
  read_[message->partition] = message->offset + 1;
  return absl::OkStatus();
}

absl::Status KafkaTopic::Commit(std::span<const BrokerMessage> messages) {
  if (messages.empty()) return absl::OkStatus();
  // By partition, what is to be read next.
  std::map<int32_t, int64_t> next;
  for (const BrokerMessage& message : messages) {
    next[std::stoi(message.partition)] = std::stoll(message.position) + 1;
  }
  const Partitions offsets(
      rd_kafka_topic_partition_list_new(static_cast<int>(next.size())),
      &rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, offset] : next) {
    rd_kafka_topic_partition_list_add(offsets.get(), address_.name.c_str(),
                                      partition)
        ->offset = offset;
  }
  const rd_kafka_resp_err_t error =
      rd_kafka_commit(client_, offsets.get(), /*async=*/0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return ErrorOf("commit", error);
  for (const auto& [partition, offset] : next) committed_[partition] = offset;
  return absl::OkStatus();
}

}  // namespace tributary
