#include "server/http/scrapes.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

constexpr char kExposition[] = "text/plain; version=0.0.4; charset=utf-8";

HttpReply InJson(std::string json) {
  HttpReply reply;
  reply.content_type = "application/json";
  reply.body = std::move(json);
  return reply;
}

HttpReply StatusReply(const v1::ServerStatus& status) {
  std::string json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(status, &json);
  if (printed.ok()) return InJson(std::move(json));
  return ErrorReply(absl::InternalError(
      fmt::format("cannot print the status as JSON: {}", printed.ToString())));
}

}  // namespace

Scrapes::Scrapes(ScrapeSources sources)
    : sources_(std::move(sources)), thread_([this] { Run(); }) {}

Scrapes::~Scrapes() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void Scrapes::Add(Kind kind, ReplyTo reply_to) {
  {
    const MutexLock lock(&mutex_);
    waiting_[static_cast<size_t>(kind)].push_back(std::move(reply_to));
  }
  changed_.NotifyAll();
}

void Scrapes::Run() {
  const auto nobody = [](const Waiting& waiting) {
    return std::ranges::all_of(
        waiting, [](const auto& replies) { return replies.empty(); });
  };
  MutexLock lock(&mutex_);
  while (true) {
    while (!stopping_ && nobody(waiting_)) changed_.Wait(&mutex_);
    if (stopping_) return;
    const Waiting taken = std::exchange(waiting_, {});
    lock.Unlock();
    for (size_t kind = 0; kind < taken.size(); ++kind) {
      if (taken[kind].empty()) continue;
      const HttpReply reply = Answer(static_cast<Kind>(kind));
      for (const ReplyTo& reply_to : taken[kind]) reply_to(reply);
    }
    lock.Lock();
  }
}

HttpReply Scrapes::Answer(Kind kind) const {
  if (kind == Kind::kStatus) return StatusReply(sources_.status());
  if (kind == Kind::kMetrics) {
    HttpReply reply = TextReply(sources_.metrics());
    reply.content_type = kExposition;
    return reply;
  }
  const absl::Status ready = sources_.ready();
  if (!ready.ok()) return ErrorReply(ready);
  return kind == Kind::kReady ? TextReply("ok\n")
                              : InJson(R"({"status":"SERVING"})");
}

}  // namespace tributary
