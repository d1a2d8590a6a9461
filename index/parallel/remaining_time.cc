#include "index/parallel/remaining_time.h"

#include <algorithm>

namespace tributary {
namespace {

// Below this share of a step, how long it took so far says nothing.
constexpr double kLeastDone = 0.02;
constexpr std::string_view kPrefixEnd = ": ";

// "als" of "validation: als".
std::string_view WithoutPrefix(std::string_view step) {
  const size_t end = step.find(kPrefixEnd);
  return end == std::string_view::npos ? step
                                       : step.substr(end + kPrefixEnd.size());
}

}  // namespace

size_t RemainingTime::Find(std::string_view step) const {
  for (size_t i = next_; i < steps_.size(); ++i) {
    if (steps_[i].name == step) return i;
  }
  return steps_.size();
}

void RemainingTime::Finish(std::string_view step, double took_s) {
  const size_t at = Find(step);
  finished_s_ += took_s;
  if (at == steps_.size()) return;
  took_s_[at] = took_s;
  finished_weight_ += steps_[at].weight;
  next_ = at + 1;
}

double RemainingTime::Expected(size_t step, double unit_s) const {
  for (size_t i = 0; i < step; ++i) {
    if (took_s_[i] > 0 && steps_[i].name != steps_[step].name &&
        WithoutPrefix(steps_[i].name) == steps_[step].name) {
      return took_s_[i];
    }
  }
  return unit_s * steps_[step].weight;
}

RemainingTime::Estimate RemainingTime::At(std::string_view step, double done,
                                          double so_far_s) const {
  const size_t at = Find(step);
  const bool is_known = at < steps_.size();
  done = std::clamp(done, 0.0, 1.0);
  double weight = finished_weight_;
  double took_s = finished_s_;
  const bool says = done >= kLeastDone && so_far_s > 0;
  if (is_known && says) {
    weight += steps_[at].weight * done;
    took_s += so_far_s;
  }
  if (weight <= 0 || took_s <= 0) return {};
  const double unit_s = took_s / weight;
  double left_s = 0;
  if (is_known) {
    left_s = says ? so_far_s * (1 - done) / done : Expected(at, unit_s);
  }
  for (size_t i = is_known ? at + 1 : next_; i < steps_.size(); ++i) {
    left_s += Expected(i, unit_s);
  }
  const double past_s = finished_s_ + so_far_s;
  return {.done = past_s / (past_s + left_s), .left_s = left_s};
}

}  // namespace tributary
