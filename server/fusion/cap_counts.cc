#include "server/fusion/cap_counts.h"

#include <bit>
#include <cassert>

namespace tributary {
namespace {

static_assert(kMaxCaps <= 8, "a cap is a bit of a byte");

// No group, which has 32 bits, is it.
constexpr uint64_t kFree = ~uint64_t{0};

}  // namespace

void CapCounts::Reset(std::span<const FusionCap> caps,
                      std::span<const Row> rows) {
  assert(caps.size() <= kMaxCaps);
  n_caps_ = caps.size();
  rejected_.assign(rows.size(), 0);
  for (size_t c = 0; c < n_caps_; ++c) ResetOne(caps[c], rows, &caps_[c]);
}

void CapCounts::ResetOne(const FusionCap& cap, std::span<const Row> rows,
                         OneCap* one) {
  one->max = cap.max;
  one->several = cap.groups->several();
  if (one->several) {
    cap.groups->GetAllGroups(rows, &groups_, &one->ends);
  } else {
    groups_.resize(rows.size());
    cap.groups->GetGroups(rows, groups_);
  }
  // The table stays at most half full.
  const size_t slots = std::bit_ceil(2 * groups_.size() + 1);
  one->group_of_slot.assign(slots, kFree);
  one->counts.assign(slots, 0);
  one->slot_of.resize(groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    // Fibonacci hashing, as in CandidatePool.
    size_t at = (groups_[i] * 0x9e3779b97f4a7c15ull >> 32) & (slots - 1);
    while (one->group_of_slot[at] != kFree &&
           one->group_of_slot[at] != groups_[i]) {
      at = (at + 1) & (slots - 1);
    }
    one->group_of_slot[at] = groups_[i];
    one->slot_of[i] = static_cast<uint32_t>(at);
  }
}

void CapCounts::CountRejected(std::vector<uint32_t>* rejected) const {
  rejected->assign(n_caps_, 0);
  for (const uint8_t caps : rejected_) {
    for (uint32_t bits = caps; bits != 0; bits &= bits - 1) {
      ++(*rejected)[static_cast<size_t>(std::countr_zero(bits))];
    }
  }
}

}  // namespace tributary
