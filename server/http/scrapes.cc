#include "server/http/scrapes.h"

#include <utility>

namespace tributary {
namespace {

constexpr char kExposition[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

Scrapes::Scrapes(std::function<std::string()> text,
                 std::function<absl::Status()> ready)
    : text_(std::move(text)),
      ready_(std::move(ready)),
      thread_([this] { Run(); }) {}

Scrapes::~Scrapes() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void Scrapes::Metrics(ReplyTo reply_to) {
  {
    const MutexLock lock(&mutex_);
    waiting_.metrics.push_back(std::move(reply_to));
  }
  changed_.NotifyAll();
}

void Scrapes::Ready(ReplyTo reply_to) {
  {
    const MutexLock lock(&mutex_);
    waiting_.ready.push_back(std::move(reply_to));
  }
  changed_.NotifyAll();
}

void Scrapes::Run() {
  MutexLock lock(&mutex_);
  while (true) {
    while (!stopping_ && waiting_.empty()) changed_.Wait(&mutex_);
    if (stopping_) return;
    const Waiting taken = std::exchange(waiting_, {});
    lock.Unlock();
    Answer(taken);
    lock.Lock();
  }
}

void Scrapes::Answer(const Waiting& waiting) const {
  if (!waiting.ready.empty()) {
    const absl::Status ready = ready_();
    for (const ReplyTo& reply_to : waiting.ready) {
      reply_to(ready.ok() ? TextReply("ok\n") : ErrorReply(ready));
    }
  }
  if (!waiting.metrics.empty()) {
    HttpReply reply = TextReply(text_());
    reply.content_type = kExposition;
    for (const ReplyTo& reply_to : waiting.metrics) reply_to(reply);
  }
}

}  // namespace tributary
