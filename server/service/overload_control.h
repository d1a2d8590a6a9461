// Whether a call is admitted, and how much of it is done: decisions of the
// state that the executor keeps, without threads or clocks of their own.
#ifndef TRIBUTARY_SERVER_SERVICE_OVERLOAD_CONTROL_H_
#define TRIBUTARY_SERVER_SERVICE_OVERLOAD_CONTROL_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "server/pipeline/plan.h"
#include "server/service/criticality.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// What is known of a call before it is answered.
struct CallTerms {
  SteadyTime arrived;
  SteadyTime deadline = SteadyTime::max();
  Criticality criticality = Criticality::kInteractive;
  // How many requests it holds: 1, or the size of a batch.
  uint32_t requests = 1;
  // How much work it is; see CostUnits.
  double units = 1;
  // The service level that its page tokens fix, so that it is answered by that
  // whatever the server's is. A call without tokens fixes none.
  v1::ServiceLevel fixed_level = v1::ServiceLevel_MAX;
};

// The work of one request: sources * (k + 200). The 200 stand for what a search
// does whatever k is. How long a unit takes is measured.
double CostUnits(uint32_t sources, uint32_t k);

// Why a call is refused.
enum class Refusal {
  // As many requests are in progress as the limit allows.
  kLimit,
  // It would wait longer for a thread than overload.max_wait_ms.
  kWait,
  // Its deadline would pass before it had a thread.
  kDeadline,
};
inline constexpr size_t kRefusals = 3;

// Three decisions, of what the last calls waited and took:
//
// Waiting. A call waits for all that waits before it. That time is the sum of
// the waiting calls' units, times the measured time of a unit, over the
// threads. A call that would wait longer than overload.max_wait_ms, or
// than 24 calls take if that is more, is refused when it arrives, which
// costs microseconds, instead of after it has waited, when its caller has given
// up. Batches wait behind all other calls, up to kBatchPatience times as long.
//
// The limit of requests in progress. Every 100 ms it is multiplied by
//   gradient = (service + longest wait) / (service + wait),  at most 1,
// of the means of the window, and grows by its square root, so that it falls
// while calls wait for longer than they should, and rises again when
// they do not ("Performance Under Load", Netflix 2018; the square root is
// theirs). Unlike theirs it needs no estimate of the latency without load: the
// executor knows how much of a latency was waiting.
//
// The service level. A window in which calls were refused, or waited for more
// than three quarters of the longest wait, raises it by one step of
// overload.degrade; it falls by one after a second without such a window. A
// level that had to be raised again soon after it fell is held for twice as
// long each time, up to half a minute.
//
// A call that fixes its own level, because it asks for a page of a list that
// was begun when the server had less to do, is worth kStepUnits times as many
// units for each step that it does not take part in: it is admitted less often,
// and the others see it in their wait.
//
// Not thread-safe.
class OverloadControl {
 public:
  // `config` is complete (see CompleteServerConfig).
  explicit OverloadControl(const v1::ServerConfig& config);

  // The units to admit the call by.
  double ChargedUnits(const CallTerms& call) const;
  // Counts the call as waiting and returns nothing, or says why it is refused.
  std::optional<Refusal> Admit(const CallTerms& call, SteadyTime now);
  // Counts as waiting what was admitted before: the next part of a call that is
  // answered in parts.
  void Readmit(const CallTerms& call);
  // The call has a thread.
  void Start(const CallTerms& call, SteadyTime now);
  // It waits again: a batch that gave up its thread for other calls.
  void Pause(const CallTerms& call);
  // It was answered; `service` is how long it had a thread in all.
  void Finish(const CallTerms& call, std::chrono::nanoseconds service,
              SteadyTime now);
  // It was dropped while it waited.
  void Drop(const CallTerms& call);

  // The requests of calls that wait or have a thread.
  uint32_t in_progress() const { return in_progress_; }
  // Of them those that wait.
  uint32_t waiting() const { return waiting_; }
  uint32_t limit() const { return static_cast<uint32_t>(limit_); }
  v1::ServiceLevel level() const;
  // How long a call that arrives now would wait.
  std::chrono::nanoseconds ExpectedWait(Criticality criticality) const;

 private:
  // What happened since `begin`.
  struct Window {
    SteadyTime begin{};
    double wait_ns = 0;
    double service_ns = 0;
    uint64_t started = 0;
    uint64_t finished = 0;
    uint64_t refused = 0;
    uint32_t most_in_progress = 0;
  };

  double LongestWaitNs() const;
  // How long all threads take for so many units.
  double UnitsNs(double units) const;
  std::optional<Refusal> Judge(const CallTerms& call, SteadyTime now) const;
  void CloseWindow(SteadyTime now);
  void MoveLimit();
  void MoveLevel(SteadyTime now);

  // Constant after construction.
  double threads_;
  double max_wait_ns_;
  double max_limit_;
  bool adaptive_;
  std::vector<v1::ServiceLevel> steps_;

  // By Criticality.
  std::array<double, 2> waiting_units_{};
  uint32_t waiting_ = 0;
  uint32_t in_progress_ = 0;
  double limit_;
  // Sums with exponential decay; their ratio is the time of a unit.
  double measured_ns_;
  double measured_units_;
  double measured_calls_ = 0;
  Window window_;
  // How many of steps_ are taken.
  size_t steps_taken_ = 0;
  // When the last window with pressure ended, or the level fell.
  SteadyTime calm_since_{};
  SteadyTime fell_at_{};
  std::chrono::nanoseconds hold_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_OVERLOAD_CONTROL_H_
