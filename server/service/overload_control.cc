#include "server/service/overload_control.h"

#include <algorithm>
#include <cmath>

namespace tributary {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kWindow = std::chrono::milliseconds(100);
constexpr nanoseconds kHold = std::chrono::seconds(1);
constexpr nanoseconds kLongestHold = std::chrono::seconds(30);
// How many times max_wait_ms a batch may wait: nobody looks at it.
constexpr double kBatchPatience = 10;
// Batches may hold this share of the limit, so that they never keep
// interactive calls out.
constexpr double kBatchShare = 0.5;
// A call may wait at least as long as so many calls take: some callers per
// thread that call again when they are answered are no overload.
constexpr double kPatience = 24;
// The share of the longest wait above which the server does less.
constexpr double kPressure = 0.75;
// What a step of overload.degrade saves, about: half of the effort, half of the
// sources' cost, nearly all of the rest.
constexpr double kStepUnits = 2;
// The weight that a measurement keeps with each later one.
constexpr double kDecay = 0.99;
// The time of a unit before anything was measured: 100 us for a request of
// four sources and k = 500.
constexpr double kFirstUnitNs = 100'000 / (4 * 700.0);
constexpr double kSmoothing = 0.2;

double NsOf(nanoseconds duration) {
  return static_cast<double>(duration.count());
}

std::vector<v1::ServiceLevel> StepsOf(const v1::Overload& overload) {
  std::vector<v1::ServiceLevel> steps;
  for (const std::string& step : overload.degrade()) {
    if (step == "effort") steps.push_back(v1::LESS_EFFORT);
    if (step == "sources") steps.push_back(v1::FEWER_SOURCES);
    if (step == "popularity") steps.push_back(v1::POPULARITY_ONLY);
  }
  std::ranges::sort(steps);
  return steps;
}

}  // namespace

double CostUnits(uint32_t sources, uint32_t k) {
  return sources * (static_cast<double>(k) + 200);
}

OverloadControl::OverloadControl(const v1::ServerConfig& config)
    : threads_(config.execution().request_threads()),
      max_wait_ns_(config.overload().max_wait_ms() * 1e6),
      max_limit_(config.limits().max_concurrent_requests()),
      adaptive_(config.overload().adaptive_limit()),
      steps_(StepsOf(config.overload())),
      limit_(max_limit_),
      measured_ns_(kFirstUnitNs),
      measured_units_(1),
      hold_(kHold) {}

double OverloadControl::LongestWaitNs() const {
  if (measured_calls_ == 0) return max_wait_ns_;
  return std::max(max_wait_ns_, kPatience * measured_ns_ / measured_calls_);
}

v1::ServiceLevel OverloadControl::level() const {
  return steps_taken_ == 0 ? v1::FULL_SERVICE : steps_[steps_taken_ - 1];
}

double OverloadControl::ChargedUnits(const CallTerms& call) const {
  double units = call.units;
  for (size_t i = 0; i < steps_taken_; ++i) {
    if (steps_[i] > call.fixed_level) units *= kStepUnits;
  }
  return units;
}

double OverloadControl::UnitsNs(double units) const {
  return units * measured_ns_ / measured_units_ / threads_;
}

nanoseconds OverloadControl::ExpectedWait(Criticality criticality) const {
  double units = waiting_units_[0];
  if (criticality == Criticality::kBatch) units += waiting_units_[1];
  return nanoseconds(std::llround(UnitsNs(std::max(units, 0.0))));
}

std::optional<Refusal> OverloadControl::Judge(const CallTerms& call,
                                              SteadyTime now) const {
  const bool batch = call.criticality == Criticality::kBatch;
  // A call that is larger than the limit is admitted when nothing else is in
  // progress, or it never would be.
  const double room = batch ? std::max(1.0, limit_ * kBatchShare) : limit_;
  if (in_progress_ > 0 && in_progress_ + call.requests > room) {
    return Refusal::kLimit;
  }
  const nanoseconds wait = ExpectedWait(call.criticality);
  // What a call does beyond the server's level, others wait for in vain.
  const bool dearer = level() > call.fixed_level;
  const double held = NsOf(wait) + (dearer ? UnitsNs(call.units) : 0);
  if (held > LongestWaitNs() * (batch ? kBatchPatience : 1)) {
    return Refusal::kWait;
  }
  if (call.deadline - now < wait) return Refusal::kDeadline;
  return std::nullopt;
}

std::optional<Refusal> OverloadControl::Admit(const CallTerms& call,
                                              SteadyTime now) {
  if (now - window_.begin >= kWindow) CloseWindow(now);
  const std::optional<Refusal> refusal = Judge(call, now);
  if (refusal.has_value()) {
    // Batches are what may be refused; nothing is left out for them.
    window_.refused += call.criticality == Criticality::kInteractive;
    return refusal;
  }
  Readmit(call);
  return std::nullopt;
}

void OverloadControl::Readmit(const CallTerms& call) {
  in_progress_ += call.requests;
  waiting_ += call.requests;
  waiting_units_[static_cast<size_t>(call.criticality)] += call.units;
  window_.most_in_progress = std::max(window_.most_in_progress, in_progress_);
}

void OverloadControl::Start(const CallTerms& call, SteadyTime now) {
  waiting_ -= call.requests;
  waiting_units_[static_cast<size_t>(call.criticality)] -= call.units;
  if (call.criticality == Criticality::kBatch) return;
  window_.wait_ns += NsOf(now - call.arrived);
  ++window_.started;
}

void OverloadControl::Pause(const CallTerms& call) {
  waiting_ += call.requests;
  waiting_units_[static_cast<size_t>(call.criticality)] += call.units;
}

void OverloadControl::Finish(const CallTerms& call, nanoseconds service,
                             SteadyTime now) {
  in_progress_ -= call.requests;
  measured_ns_ = measured_ns_ * kDecay + NsOf(service);
  measured_units_ = measured_units_ * kDecay + call.units;
  measured_calls_ = measured_calls_ * kDecay + call.requests;
  if (call.criticality == Criticality::kInteractive) {
    window_.service_ns += NsOf(service);
    ++window_.finished;
  }
  if (now - window_.begin >= kWindow) CloseWindow(now);
}

void OverloadControl::Drop(const CallTerms& call) {
  in_progress_ -= call.requests;
  waiting_ -= call.requests;
  waiting_units_[static_cast<size_t>(call.criticality)] -= call.units;
  window_.refused += call.criticality == Criticality::kInteractive;
}

void OverloadControl::CloseWindow(SteadyTime now) {
  if (window_.begin != SteadyTime{}) {
    if (adaptive_) MoveLimit();
    MoveLevel(now);
  }
  window_ = {.begin = now, .most_in_progress = in_progress_};
  // Rounding errors of sums and differences do not add up over idle times.
  if (waiting_ == 0) waiting_units_ = {};
}

void OverloadControl::MoveLimit() {
  if (window_.started == 0 || window_.finished == 0) return;
  const double wait = window_.wait_ns / static_cast<double>(window_.started);
  const double service =
      window_.service_ns / static_cast<double>(window_.finished);
  const double gradient =
      std::clamp((service + LongestWaitNs()) / (service + wait), 0.5, 1.0);
  // A limit that nothing has touched is not known to be too low.
  if (gradient == 1 && window_.most_in_progress * 2 < limit_) return;
  const double moved = limit_ * gradient + std::sqrt(limit_);
  limit_ += kSmoothing * (moved - limit_);
  limit_ = std::clamp(limit_, std::min(2 * threads_, max_limit_), max_limit_);
}

void OverloadControl::MoveLevel(SteadyTime now) {
  const double wait =
      window_.started == 0
          ? 0
          : window_.wait_ns / static_cast<double>(window_.started);
  const bool pressure =
      window_.refused > 0 || wait > kPressure * LongestWaitNs();
  if (pressure) {
    if (steps_taken_ < steps_.size()) {
      const bool soon = fell_at_ != SteadyTime{} && now - fell_at_ < 2 * hold_;
      if (steps_taken_ == 0 || soon) {
        hold_ = soon ? std::min(2 * hold_, kLongestHold) : kHold;
      }
      ++steps_taken_;
    }
    calm_since_ = now;
    return;
  }
  while (steps_taken_ > 0 && now - calm_since_ >= hold_) {
    --steps_taken_;
    calm_since_ += hold_;
    fell_at_ = now;
  }
}

}  // namespace tributary
