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

using Partitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t,
                    decltype(&rd_kafka_topic_partition_list_destroy)>;

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
  std::map<std::string, std::string> properties = {
      // A reader that was killed is replaced by the next one at once, instead
      // of being waited for. There is one for a group: see FollowBroker.
      {"group.instance.id", "tributary"}};
  for (const auto& [name, value] : address_.properties) {
    properties[name] = value;
  }
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
  const Partitions topics(rd_kafka_topic_partition_list_new(1),
                          &rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(topics.get(), address_.name.c_str(),
                                    RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_, topics.get());
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? absl::OkStatus()
                                             : ErrorOf("subscribe", error);
}

KafkaTopic::~KafkaTopic() {
  if (client_ == nullptr) return;
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
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? absl::OkStatus()
                                             : ErrorOf("commit", error);
}

bool KafkaTopic::AtEnd() const {
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(client_, &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  const Partitions partitions(assigned, &rd_kafka_topic_partition_list_destroy);
  return assigned->cnt > 0 &&
         ended_.size() >= static_cast<size_t>(assigned->cnt);
}

}  // namespace tributary
