#include "client/load/lane.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <thread>

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kUnknown = grpc::StatusCode::UNKNOWN;

// Returns the processor time that the calling thread has used.
std::chrono::nanoseconds ProcessorTime() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::nanoseconds(time.tv_nsec);
}

// Returns the processor time of the calling thread, which began at `start`, as
// a share of the time since.
double BusyShare(Clock::time_point start) {
  return std::chrono::duration<double>(ProcessorTime()) /
         std::chrono::duration<double>(Clock::now() - start);
}

}  // namespace

Lane::Lane(const LoadOptions& options, Stubs stubs, const LoadWindow& window,
           uint32_t first_caller, uint32_t callers)
    : options_(options),
      window_(window),
      callers_(callers),
      random_(options.seed + first_caller),
      last_answer_(window.measured) {
  for (uint32_t i = 0; i < callers; ++i) {
    callers_[i].stub = stubs[(first_caller + i) % stubs.size()].get();
    callers_[i].request = options.request;
    free_.push_back(&callers_[i]);
  }
}

void Lane::Run() {
  options_.rate > 0 ? RunOpen() : RunClosed();
  report_.generator_busy =
      std::max(report_.generator_busy, BusyShare(window_.start));
  report_.Merge(unsent_);
  report_.wall_s =
      std::chrono::duration<double>(last_answer_ - window_.measured).count();
}

void Lane::RunClosed() {
  for (Caller& caller : callers_) Send(&caller, Clock::now());
  for (size_t calling = callers_.size(); calling > 0;) {
    Caller* const caller = Receive();
    if (const Time now = Clock::now(); now < window_.end) {
      Send(caller, now);
    } else {
      --calling;
    }
  }
  queue_.Shutdown();
  while (Receive() != nullptr) {
  }
}

void Lane::RunOpen() {
  std::thread sender([this] { SendArrivals(); });
  while (Caller* const caller = Receive()) {
    const MutexLock lock(&mutex_);
    free_.push_back(caller);
    freed_.NotifyOne();
  }
  sender.join();
}

void Lane::SendArrivals() {
  // By default Linux ends a sleep up to 50 us late. This call cannot fail.
  static_cast<void>(prctl(PR_SET_TIMERSLACK, 1UL));
  const double lane_rate = options_.rate *
                           static_cast<double>(callers_.size()) /
                           static_cast<double>(options_.callers);
  std::exponential_distribution<double> gap_s(lane_rate);
  const auto next = [&](Time after) {
    return after + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(gap_s(random_)));
  };
  Time due = next(window_.start);
  for (; due < window_.end; due = next(due)) {
    // Returns at once when the sender is behind.
    std::this_thread::sleep_until(due);
    Caller* const caller = WaitForFree();
    if (caller == nullptr) break;
    Send(caller, due);
  }
  for (; due < window_.end; due = next(due)) CountUnsent(due);
  unsent_.generator_busy = BusyShare(window_.start);
  // Calls in progress still come back.
  queue_.Shutdown();
}

Lane::Caller* Lane::WaitForFree() {
  MutexLock lock(&mutex_);
  while (free_.empty()) {
    const bool in_time = freed_.WaitUntil(&mutex_, window_.end);
    if (!in_time && free_.empty()) return nullptr;
  }
  Caller* const caller = free_.back();
  free_.pop_back();
  return caller;
}

void Lane::Send(Caller* caller, Time due) {
  caller->due = due;
  options_.users.Draw(&random_, caller->request.mutable_user_key());
  caller->context.emplace();
  caller->context->set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::milliseconds(options_.deadline_ms));
  caller->sent = Clock::now();
  caller->in_progress.store(true, std::memory_order_release);
  caller->reader =
      caller->stub->AsyncRetrieve(&*caller->context, caller->request, &queue_);
  caller->reader->Finish(&caller->response, &caller->status, caller);
}

Lane::Caller* Lane::Receive() {
  void* tag = nullptr;
  bool ok = false;
  if (!queue_.Next(&tag, &ok)) return nullptr;
  auto* const caller = static_cast<Caller*>(tag);
  caller->in_progress.exchange(false, std::memory_order_acquire);
  Count(*caller, Clock::now());
  calls_.fetch_add(1, std::memory_order_relaxed);
  return caller;
}

void Lane::Count(const Caller& caller, Time now) {
  if (caller.due < window_.measured) return;
  last_answer_ = std::max(last_answer_, now);
  report_.lag.Add(caller.sent - caller.due);
  if (caller.status.ok() ||
      caller.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    report_.latency.Add(now - caller.due);
  }
  if (!caller.status.ok()) {
    const auto code = static_cast<size_t>(caller.status.error_code());
    ++report_.errors[code < report_.errors.size() ? code : kUnknown];
    return;
  }
  const v1::RetrieveResponse& response = caller.response;
  ++report_.answered;
  report_.candidates += static_cast<uint64_t>(response.scores_size());
  if (response.degraded()) ++report_.degraded;
  if (response.service_level() != v1::FULL_SERVICE) ++report_.reduced;
  if (response.cold_start()) ++report_.cold_starts;
  for (const v1::SourceReport& source : response.source_reports()) {
    report_.sources_us += source.micros();
  }
  if (static_cast<uint32_t>(response.scores_size()) < caller.request.k()) {
    ++report_.short_replies;
  }
}

void Lane::CountUnsent(Time due) {
  if (due < window_.measured) return;
  ++unsent_.unsent;
  unsent_.latency.Add(window_.end - due);
}

}  // namespace tributary
