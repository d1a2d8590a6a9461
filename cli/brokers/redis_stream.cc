#include "cli/brokers/redis_stream.h"

#include <sys/time.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// How long Redis may take for an answer.
constexpr timeval kRedisPatience = {.tv_sec = 5, .tv_usec = 0};
constexpr char kConsumer[] = "tributary";
// How many entries are asked for at a time.
constexpr char kEntries[] = "1000";

std::string_view TextOf(const redisReply* reply) {
  if (reply->str == nullptr) return "";
  return {reply->str, static_cast<size_t>(reply->len)};
}

bool IsList(const redisReply* reply, size_t least) {
  return reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

// The change of an entry; see the class. Empty for an entry without one, which
// is no change.
std::string_view ChangeText(const redisReply* fields) {
  // An entry that was deleted since it was delivered has none.
  if (!IsList(fields, 2)) return "";
  for (size_t i = 0; i + 1 < fields->elements; i += 2) {
    if (TextOf(fields->element[i]) == "change") {
      return TextOf(fields->element[i + 1]);
    }
  }
  return fields->elements == 2 ? TextOf(fields->element[1]) : "";
}

// The entries of a reply to XREADGROUP for one stream.
std::vector<BrokerMessage> EntriesOf(const redisReply* reply) {
  std::vector<BrokerMessage> entries;
  // [[stream, [[id, [field, value, ...]], ...]]]
  if (!IsList(reply, 1) || !IsList(reply->element[0], 2)) return entries;
  const redisReply* const list = reply->element[0]->element[1];
  if (list->type != REDIS_REPLY_ARRAY) return entries;
  for (size_t i = 0; i < list->elements; ++i) {
    const redisReply* const entry = list->element[i];
    if (!IsList(entry, 2)) continue;
    entries.push_back({"", std::string(TextOf(entry->element[0])),
                       std::string(ChangeText(entry->element[1]))});
  }
  return entries;
}

}  // namespace

absl::Status RedisStream::Connect() {
  if (context_ != nullptr) return absl::OkStatus();
  const size_t colon = address_.servers.rfind(':');
  const std::string host = address_.servers.substr(0, colon);
  const int port = std::stoi(address_.servers.substr(colon + 1));
  context_.reset(redisConnectWithTimeout(host.c_str(), port, kRedisPatience));
  if (context_ == nullptr || context_->err != 0) {
    const std::string why =
        context_ == nullptr ? "out of memory" : context_->errstr;
    context_ = nullptr;
    return absl::UnavailableError(
        fmt::format("redis {}: {}", address_.servers, why));
  }
  redisSetTimeout(context_.get(), kRedisPatience);
  // What was read and not committed comes again.
  pending_after_ = "0";
  read_.clear();
  at_end_ = false;
  if (const char* const password = std::getenv("REDISCLI_AUTH")) {
    RETURN_IF_ERROR(Call({"AUTH", password}).status());
  }
  const absl::Status made =
      Call({"XGROUP", "CREATE", address_.name, address_.group, "0", "MKSTREAM"})
          .status();
  if (made.ok() || made.message().find("BUSYGROUP") != std::string_view::npos) {
    return absl::OkStatus();
  }
  context_ = nullptr;
  return made;
}

absl::StatusOr<RedisStream::Reply> RedisStream::Call(
    const std::vector<std::string>& words) {
  std::vector<const char*> arguments;
  std::vector<size_t> lengths;
  for (const std::string& word : words) {
    arguments.push_back(word.data());
    lengths.push_back(word.size());
  }
  Reply reply(static_cast<redisReply*>(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()),
                       arguments.data(), lengths.data())));
  if (reply == nullptr) {
    const std::string why = context_->errstr;
    context_ = nullptr;
    return absl::UnavailableError(
        fmt::format("redis {}: {}", address_.servers, why));
  }
  if (reply->type == REDIS_REPLY_ERROR) {
    return absl::FailedPreconditionError(fmt::format(
        "redis {}: {}: {}", address_.servers, words[0], TextOf(reply.get())));
  }
  return reply;
}

absl::Status RedisStream::Fetch(std::chrono::milliseconds time) {
  RETURN_IF_ERROR(Connect());
  const bool is_pending = !pending_after_.empty();
  std::vector<std::string> words = {"XREADGROUP", "GROUP", address_.group,
                                    kConsumer,    "COUNT", kEntries};
  if (!is_pending) {
    // 0 would wait for ever.
    words.emplace_back("BLOCK");
    words.push_back(fmt::to_string(std::max<int64_t>(time.count(), 1)));
  }
  words.insert(words.end(),
               {"STREAMS", address_.name, is_pending ? pending_after_ : ">"});
  const auto reply = Call(words);
  if (!reply.ok()) {
    // Without the group or the stream, which somebody deleted, it makes them
    // again.
    context_ = nullptr;
    return reply.status();
  }
  std::vector<BrokerMessage> entries = EntriesOf(reply->get());
  if (is_pending) {
    pending_after_ = entries.empty() ? "" : entries.back().position;
  } else {
    at_end_ = entries.empty();
  }
  for (BrokerMessage& entry : entries) read_.push_back(std::move(entry));
  return absl::OkStatus();
}

absl::Status RedisStream::Read(std::chrono::milliseconds time,
                               std::vector<BrokerMessage>* messages,
                               bool* found) {
  *found = false;
  if (read_.empty()) RETURN_IF_ERROR(Fetch(time));
  if (read_.empty()) return absl::OkStatus();
  messages->push_back(std::move(read_.front()));
  read_.pop_front();
  *found = true;
  return absl::OkStatus();
}

absl::Status RedisStream::Commit(std::span<const BrokerMessage> messages) {
  if (messages.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Connect());
  std::vector<std::string> words = {"XACK", address_.name, address_.group};
  for (const BrokerMessage& message : messages) {
    words.push_back(message.position);
  }
  return Call(words).status();
}

}  // namespace tributary
