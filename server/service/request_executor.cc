#include "server/service/request_executor.h"

#include <optional>

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

// How long a batch keeps its thread while others wait.
constexpr auto kSlice = std::chrono::milliseconds(1);

// Made once and without figures, so that refusing costs little.
const absl::Status& ErrorOf(Refusal refusal) {
  static const auto* const errors = new std::array<absl::Status, kRefusals>{
      absl::ResourceExhaustedError(
          "the server has as many requests in progress as it can answer in "
          "time"),
      absl::ResourceExhaustedError(
          "the call would wait longer than overload.max_wait_ms for a thread"),
      absl::ResourceExhaustedError(
          "the call would wait past its deadline for a thread")};
  return (*errors)[static_cast<size_t>(refusal)];
}

void RefuseDropped(const std::vector<RequestCall*>& dropped) {
  for (RequestCall* call : dropped) {
    call->Refuse(call->cancelled()
                     ? absl::CancelledError("the caller has cancelled the call")
                     : absl::DeadlineExceededError(
                           "the deadline passed while the call waited for a "
                           "thread"));
  }
}

}  // namespace

RequestExecutor::RequestExecutor(const v1::ServerConfig& config,
                                 ServerMetrics* metrics)
    : max_running_(config.execution().request_threads()),
      metrics_(metrics),
      control_(config) {
  metrics_->concurrency_limit.store(config.limits().max_concurrent_requests(),
                                    std::memory_order_relaxed);
  threads_.reserve(max_running_);
  for (uint32_t i = 0; i < max_running_; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

RequestExecutor::~RequestExecutor() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_waits_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

bool RequestExecutor::Enqueue(RequestCall* call, Thread thread,
                              SteadyTime now) {
  const bool free = running_ < max_running_;
  if (free && thread == Thread::kMayRun) {
    ++running_;
    control_.Start(call->terms_, now);
    return true;
  }
  waiting_[static_cast<size_t>(call->terms_.criticality)].push_back(call);
  if (free) work_waits_.NotifyOne();
  return false;
}

void RequestExecutor::Submit(RequestCall* call, Thread thread) {
  const SteadyTime now = Clock::now();
  // The object may have been another call before.
  call->service_ = {};
  std::optional<Refusal> refusal;
  bool closed = false;
  bool run_here = false;
  {
    const MutexLock lock(&mutex_);
    closed = closed_;
    call->terms_.units = control_.ChargedUnits(call->terms_);
    if (!closed) refusal = control_.Admit(call->terms_, now);
    if (!closed && !refusal.has_value()) {
      run_here = Enqueue(call, thread, now);
    }
    ShowState();
  }
  if (closed) {
    call->Refuse(absl::UnavailableError("the server is shutting down"));
  } else if (refusal.has_value()) {
    metrics_->refused[static_cast<size_t>(*refusal)].Add();
    call->Refuse(ErrorOf(*refusal));
  } else if (run_here) {
    metrics_->wait_seconds.Observe(now - call->terms_.arrived);
    RunAll(call);
  }
}

void RequestExecutor::Resume(RequestCall* call, Thread thread) {
  const SteadyTime now = Clock::now();
  call->service_ = {};
  call->terms_.arrived = now;
  bool run_here = false;
  {
    const MutexLock lock(&mutex_);
    --between_parts_;
    control_.Readmit(call->terms_);
    // What nobody wants is dropped by whoever looks for work next.
    const bool wanted = !call->cancelled() && now < call->terms_.deadline;
    run_here = Enqueue(call, wanted ? thread : Thread::kMayNotRun, now);
    ShowState();
  }
  if (run_here) RunAll(call);
}

void RequestExecutor::Abandon(RequestCall* /*call*/) {
  const MutexLock lock(&mutex_);
  --between_parts_;
}

RequestCall* RequestExecutor::Next(std::vector<RequestCall*>* dropped) {
  for (std::deque<RequestCall*>& queue : waiting_) {
    while (!queue.empty()) {
      RequestCall* const call = queue.front();
      queue.pop_front();
      const SteadyTime now = Clock::now();
      if (!call->cancelled() && now < call->terms_.deadline) {
        control_.Start(call->terms_, now);
        // A batch that waits again is counted once.
        if (call->service_.count() == 0) {
          metrics_->wait_seconds.Observe(now - call->terms_.arrived);
        }
        return call;
      }
      control_.Drop(call->terms_);
      metrics_->dropped.Add();
      dropped->push_back(call);
    }
  }
  return nullptr;
}

void RequestExecutor::RunAll(RequestCall* call) {
  std::vector<RequestCall*> dropped;
  while (call != nullptr) {
    const SteadyTime start = Clock::now();
    const bool done =
        call->Run({.level = level_.load(std::memory_order_relaxed),
                   .slice_end = start + kSlice});
    RequestCall* const next =
        Advance(call, done, Clock::now() - start, &dropped);
    if (done) call->Answer();
    RefuseDropped(dropped);
    dropped.clear();
    call = next;
  }
}

RequestCall* RequestExecutor::Advance(RequestCall* call, bool done,
                                      std::chrono::nanoseconds service,
                                      std::vector<RequestCall*>* dropped) {
  metrics_->busy_ns.Add(static_cast<uint64_t>(service.count()));
  const MutexLock lock(&mutex_);
  call->service_ += service;
  if (done) {
    control_.Finish(call->terms_, call->service_, Clock::now());
    if (call->continues()) ++between_parts_;
  } else {
    control_.Pause(call->terms_);
    waiting_[static_cast<size_t>(call->terms_.criticality)].push_back(call);
  }
  RequestCall* const next = Next(dropped);
  if (next == nullptr) --running_;
  ShowState();
  return next;
}

void RequestExecutor::ShowState() {
  level_.store(control_.level(), std::memory_order_relaxed);
  metrics_->requests_in_flight.store(control_.in_progress(),
                                     std::memory_order_relaxed);
  metrics_->requests_waiting.store(control_.waiting(),
                                   std::memory_order_relaxed);
  metrics_->concurrency_limit.store(control_.limit(),
                                    std::memory_order_relaxed);
  metrics_->service_level.store(control_.level(), std::memory_order_relaxed);
}

void RequestExecutor::Work() {
  while (true) {
    std::vector<RequestCall*> dropped;
    RequestCall* call = nullptr;
    {
      MutexLock lock(&mutex_);
      while (!stopping_ && (running_ == max_running_ ||
                            (waiting_[0].empty() && waiting_[1].empty()))) {
        work_waits_.Wait(&mutex_);
      }
      if (stopping_) return;
      call = Next(&dropped);
      if (call != nullptr) ++running_;
      ShowState();
    }
    RefuseDropped(dropped);
    RunAll(call);
  }
}

void RequestExecutor::Close() {
  const MutexLock lock(&mutex_);
  closed_ = true;
}

bool RequestExecutor::Idle() const {
  const MutexLock lock(&mutex_);
  return control_.in_progress() == 0 && between_parts_ == 0;
}

}  // namespace tributary
