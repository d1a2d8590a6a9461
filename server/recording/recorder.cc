#include "server/recording/recorder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

// What may wait for the thread: some seconds of a busy server.
constexpr size_t kMaxQueuedCalls = 4096;
constexpr size_t kMaxQueuedBytes = size_t{32} << 20;
constexpr auto kLastWrites = std::chrono::seconds(2);
constexpr char kHashedToken[] = "hashed";

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

size_t BytesOf(const AnsweredCall& call) {
  return call.request.size() + call.response.size() + call.request_id.size() +
         call.status.message().size() + sizeof(AnsweredCall);
}

uint64_t ShareOf2To64(double share) {
  return static_cast<uint64_t>(std::min(std::ldexp(share, 64), 0x1.fffffep63));
}

void StopRecording(const std::string& path, const absl::Status& why,
                   ServerMetrics* metrics) {
  metrics->recording = 0;
  spdlog::error("event=recording_stopped file={} reason={:?} hint={:?}", path,
                std::string(why.message()),
                "calls are answered as ever; recording begins again when the "
                "server starts again");
}

}  // namespace

void HashUser(const SipKey& secret, v1::RecordedCall* call) {
  v1::RetrieveRequest& request = *call->mutable_request();
  std::string was;
  std::string becomes;
  switch (request.user_case()) {
    case v1::RetrieveRequest::USER_NOT_SET:
      return;
    case v1::RetrieveRequest::kUserId: {
      const uint64_t id = request.user_id();
      request.set_user_id(
          SipHash(secret, {reinterpret_cast<const char*>(&id), sizeof(id)}));
      was = std::to_string(id);
      becomes = std::to_string(request.user_id());
      break;
    }
    case v1::RetrieveRequest::kUserKey:
      was = request.user_key();
      // The empty key is nobody's.
      if (was.empty()) return;
      becomes = fmt::format("{:016x}", SipHash(secret, was));
      request.set_user_key(becomes);
      break;
  }
  call->set_user_key_hashed(true);
  if (!call->message().empty()) {
    call->set_message(absl::StrReplaceAll(call->message(), {{was, becomes}}));
  }
  if (!request.page_token().empty()) request.set_page_token(kHashedToken);
  if (!call->response().next_page_token().empty()) {
    call->mutable_response()->set_next_page_token(kHashedToken);
  }
}

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Start(
    const v1::Recording& config, ServerMetrics* metrics) {
  if (config.file().empty()) return std::unique_ptr<Recorder>();
  auto file = RecordingWriter::Open(config.file(), config.max_bytes());
  if (absl::IsResourceExhausted(file.status())) {
    StopRecording(config.file(), file.status(), metrics);
    return std::unique_ptr<Recorder>();
  }
  RETURN_IF_ERROR(file.status());
  spdlog::info("event=recording file={} max_bytes={} share={} user_keys={}",
               config.file(), config.max_bytes(), config.share(),
               config.user_keys());
  metrics->recording = 1;
  return std::unique_ptr<Recorder>(
      new Recorder(config, *std::move(file), metrics));
}

Recorder::Recorder(const v1::Recording& config,
                   std::unique_ptr<RecordingWriter> file,
                   ServerMetrics* metrics)
    : path_(config.file()),
      share_of_2_64_(ShareOf2To64(config.share())),
      keeps_all_(config.share() >= 1),
      user_keys_(config.user_keys()),
      metrics_(metrics),
      file_(std::move(file)),
      thread_([this] { Run(); }) {}

Recorder::~Recorder() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
    stop_at_ = std::chrono::steady_clock::now() + kLastWrites;
  }
  changed_.NotifyAll();
  thread_.join();
  metrics_->recording = 0;
}

bool Recorder::Samples() const {
  if (!writes_.load(std::memory_order_relaxed)) return false;
  if (keeps_all_) return true;
  thread_local std::mt19937_64 random{std::random_device()()};
  return random() < share_of_2_64_;
}

void Recorder::Offer(AnsweredCall call) {
  const size_t bytes = BytesOf(call);
  Waiting waiting = {std::move(call), NowMs()};
  if (!writes_.load(std::memory_order_relaxed)) return;
  {
    const MutexLock lock(&mutex_);
    if (queue_.size() >= kMaxQueuedCalls ||
        queued_bytes_ + bytes > kMaxQueuedBytes) {
      metrics_->recording_dropped_queue.Add();
      return;
    }
    queued_bytes_ += bytes;
    queue_.push_back(std::move(waiting));
  }
  changed_.NotifyAll();
}

void Recorder::Run() {
  MutexLock lock(&mutex_);
  while (true) {
    while (queue_.empty() && !stopping_) changed_.Wait(&mutex_);
    if (queue_.empty()) return;
    if (stopping_ && std::chrono::steady_clock::now() >= stop_at_) {
      // A disk may be slow.
      metrics_->recording_dropped_queue.Add(queue_.size());
      return;
    }
    const Waiting waiting = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= BytesOf(waiting.call);
    writing_ = true;
    lock.Unlock();
    const bool ok = writes_.load(std::memory_order_relaxed) && Write(waiting);
    if (!ok) writes_.store(false, std::memory_order_relaxed);
    lock.Lock();
    writing_ = false;
    if (!ok) {
      queue_.clear();
      queued_bytes_ = 0;
    }
    changed_.NotifyAll();
  }
}

bool Recorder::Write(const Waiting& waiting) {
  const AnsweredCall& answered = waiting.call;
  v1::RecordedCall call;
  // The request was parsed before it was answered, and the response is ours.
  if (!call.mutable_request()->ParseFromString(answered.request) ||
      (answered.status.ok() &&
       !call.mutable_response()->ParseFromString(answered.response))) {
    metrics_->recording_dropped_size.Add();
    return true;
  }
  call.set_at_ms(waiting.at_ms);
  call.set_request_id(answered.request_id);
  call.set_code(static_cast<int>(answered.status.code()));
  call.set_message(std::string(answered.status.message()));
  const int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(answered.took)
          .count();
  call.set_micros(static_cast<uint32_t>(
      std::clamp<int64_t>(micros, 0, std::numeric_limits<uint32_t>::max())));
  if (!user_keys_) HashUser(secret_, &call);
  const std::string message = call.SerializeAsString();
  if (message.size() > file_->max_message_bytes()) {
    metrics_->recording_dropped_size.Add();
    return true;
  }
  const absl::Status written = file_->Append(message);
  if (!written.ok()) {
    StopRecording(path_, written, metrics_);
    return false;
  }
  metrics_->recorded.Add();
  return true;
}

void Recorder::Drain() {
  MutexLock lock(&mutex_);
  while (!queue_.empty() || writing_) changed_.Wait(&mutex_);
}

}  // namespace tributary
