#include "server/explain/explain_calls.h"

#include <algorithm>
#include <utility>

#include "server/process/cpu_throttle.h"
#include "server/process/low_priority.h"
#include "status/status_macros.h"

namespace tributary {

ExplainCalls::ExplainCalls(const v1::ServerConfig& config,
                           const BundleSet* bundles)
    : enabled_(config.limits().max_explained_items() > 0),
      bundles_(bundles),
      explainer_(config) {
  if (enabled_) thread_ = std::thread([this] { Work(); });
}

ExplainCalls::~ExplainCalls() {
  Close();
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void ExplainCalls::Start(Read read, SteadyTime deadline,
                         std::shared_ptr<const std::atomic<bool>> cancelled,
                         Done done, SharedRights rights) {
  // An empty request is refused for its own reason by a server that explains.
  if (!enabled_) return done(explainer_.Check({}));
  if (closing_.load(std::memory_order_relaxed)) {
    return done(absl::UnavailableError("the server is shutting down"));
  }
  const SteadyTime latest = std::chrono::steady_clock::now() + kExplainDeadline;
  {
    const MutexLock lock(&mutex_);
    if (!busy_) {
      busy_ = true;
      next_ = Call{std::move(read),      std::min(deadline, latest),
                   std::move(cancelled), std::move(done),
                   std::move(rights),    std::make_shared<CopiedCallId>()};
      changed_.NotifyAll();
      return;
    }
  }
  done(absl::ResourceExhaustedError(
      "another call of Explain is in progress, and one runs at a time"));
}

void ExplainCalls::Close() { closing_.store(true, std::memory_order_relaxed); }

void ExplainCalls::Work() {
  LowerThreadPriority();
  MutexLock lock(&mutex_);
  while (true) {
    while (!next_.has_value() && !stopping_) changed_.Wait(&mutex_);
    if (!next_.has_value()) return;
    Call call = *std::exchange(next_, std::nullopt);
    lock.Unlock();
    absl::StatusOr<v1::ExplainResponse> response =
        absl::UnknownError("not run");
    {
      const CpuThrottle throttle;
      const CallScope scope(call.id->id());
      response = Answer(call);
    }
    lock.Lock();
    // Before the caller knows: its next call finds room.
    busy_ = false;
    lock.Unlock();
    call.done(std::move(response));
    call = {};
    lock.Lock();
  }
}

absl::StatusOr<v1::ExplainResponse> ExplainCalls::Answer(
    const Call& call) const {
  const ExplainTerms terms = {.deadline = call.deadline,
                              .cancelled = call.cancelled.get(),
                              .closing = &closing_};
  RETURN_IF_ERROR(terms.Check());
  v1::ExplainRequest request;
  RETURN_IF_ERROR(call.read(&request));
  RETURN_IF_ERROR(explainer_.Check(request));
  const absl::StatusOr<RoutedBundle> routed =
      bundles_->Route(request.request());
  if (!routed.ok()) return UnderRequest(routed.status());
  return explainer_.Explain(
      *routed, request, terms,
      call.rights == nullptr ? nullptr : &call.rights->explain_profiles);
}

}  // namespace tributary
