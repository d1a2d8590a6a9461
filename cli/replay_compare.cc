#include "cli/replay_compare.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace tributary {
namespace {

// The keys of the list's first items; an integer key in decimal.
std::vector<std::string> ItemsOf(const v1::RetrieveResponse& response,
                                 uint32_t depth) {
  std::vector<std::string> items(response.item_keys().begin(),
                                 response.item_keys().end());
  for (const uint64_t id : response.item_ids()) {
    items.push_back(std::to_string(id));
  }
  if (depth > 0 && items.size() > depth) items.resize(depth);
  return items;
}

size_t CountCommon(std::vector<std::string> a, std::vector<std::string> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both.size();
}

void CompareLists(const std::vector<std::string>& then,
                  const std::vector<std::string>& now, ReplayedCall* call) {
  const size_t common = CountCommon(then, now);
  const size_t longer = std::max(then.size(), now.size());
  call->overlap =
      longer == 0 ? 1
                  : static_cast<double>(common) / static_cast<double>(longer);
  call->identical = then == now;
  call->gained = static_cast<uint32_t>(now.size() - common);
  call->lost = static_cast<uint32_t>(then.size() - common);
}

bool IsReduced(const v1::RetrieveResponse& response) {
  return response.degraded() || response.service_level() != v1::FULL_SERVICE;
}

// Worse calls come first.
bool IsWorse(const ReplayedCall& a, const ReplayedCall& b) {
  return std::tuple(a.overlap, a.number) < std::tuple(b.overlap, b.number);
}

}  // namespace

ReplayedCall CompareReplay(uint64_t number, const v1::RecordedCall& then,
                           const absl::StatusOr<v1::RetrieveResponse>& now,
                           uint32_t depth) {
  ReplayedCall call = {.number = number,
                       .request_id = then.request_id(),
                       .code_then = then.code(),
                       .code_now = static_cast<int>(now.status().code()),
                       .error_now = std::string(now.status().message()),
                       .user_hashed = then.user_key_hashed()};
  call.comparable =
      !call.user_hashed || call.code_then != 0 || then.response().cold_start();
  if (call.code_then == 0 && call.code_now == 0) {
    CompareLists(ItemsOf(then.response(), depth), ItemsOf(*now, depth), &call);
  } else {
    call.identical = call.code_then == call.code_now;
  }
  return call;
}

void ReplayTotals::KeepIfWorst(const ReplayedCall& call) {
  if (call.identical || keep_ == 0) return;
  worst_.insert(std::ranges::upper_bound(worst_, call, IsWorse), call);
  if (worst_.size() > keep_) worst_.pop_back();
}

void ReplayTotals::AddComparable(const ReplayedCall& call) {
  ++compared;
  identical += call.identical ? 1 : 0;
  gained += call.gained;
  lost += call.lost;
  if (call.code_then == 0) {
    overlap_ += call.overlap;
    ++answered_;
    errors_came += call.code_now != 0 ? 1 : 0;
  } else if (call.code_now == 0) {
    ++errors_went;
  } else {
    ++(call.identical ? errors_alike : errors_other);
  }
  KeepIfWorst(call);
}

void ReplayTotals::Add(const ReplayedCall& call, const v1::RecordedCall& then,
                       const absl::StatusOr<v1::RetrieveResponse>& now,
                       std::chrono::nanoseconds took) {
  ++sent;
  hashed += call.user_hashed ? 1 : 0;
  if (call.comparable) {
    AddComparable(call);
  } else {
    hashed_overlap_ += call.overlap;
    ++hashed_answered_;
  }
  if (call.code_then == 0) {
    versions_then.insert(then.response().bundle_version());
    reduced_then += IsReduced(then.response()) ? 1 : 0;
  }
  if (!now.ok()) return;
  versions_now.insert(now->bundle_version());
  reduced_now += IsReduced(*now) ? 1 : 0;
  if (call.code_then != 0) return;
  micros_then.Add(std::chrono::microseconds(then.micros()));
  micros_now.Add(took);
}

void ReplayTotals::Merge(const ReplayTotals& other) {
  for (uint64_t ReplayTotals::*const count :
       {&ReplayTotals::sent, &ReplayTotals::hashed, &ReplayTotals::compared,
        &ReplayTotals::identical, &ReplayTotals::gained, &ReplayTotals::lost,
        &ReplayTotals::errors_came, &ReplayTotals::errors_went,
        &ReplayTotals::errors_alike, &ReplayTotals::errors_other,
        &ReplayTotals::reduced_then, &ReplayTotals::reduced_now,
        &ReplayTotals::answered_, &ReplayTotals::hashed_answered_}) {
    this->*count += other.*count;
  }
  overlap_ += other.overlap_;
  hashed_overlap_ += other.hashed_overlap_;
  versions_then.insert(other.versions_then.begin(), other.versions_then.end());
  versions_now.insert(other.versions_now.begin(), other.versions_now.end());
  micros_then.Merge(other.micros_then);
  micros_now.Merge(other.micros_now);
  for (const ReplayedCall& call : other.worst_) KeepIfWorst(call);
}

}  // namespace tributary
