#ifndef TRIBUTARY_SERVER_FUSION_CAP_COUNTS_H_
#define TRIBUTARY_SERVER_FUSION_CAP_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/fusion/fusion.h"

namespace tributary {

// How many items of each group a list has, for every cap. Items are named by
// their index in the rows that Reset was given. Reused from call to call; not
// thread-safe.
class CapCounts {
 public:
  // Begins an empty list. REQUIRES: at most kMaxCaps; fewer than 2^31 rows.
  void Reset(std::span<const FusionCap> caps, std::span<const Row> rows);

  // Whether the item may join the list. If not, it counts as rejected by each
  // cap that it would exceed; it will never fit, because no item leaves.
  bool Admits(size_t item) {
    uint8_t exceeded = 0;
    for (size_t c = 0; c < n_caps_; ++c) {
      const OneCap& cap = caps_[c];
      const bool full = cap.several
                            ? AnyFull(cap, item)
                            : cap.counts[cap.slot_of[item]] >= cap.max;
      exceeded |= static_cast<uint8_t>(full << c);
    }
    rejected_[item] |= exceeded;
    return exceeded == 0;
  }
  // Whether some cap has kept the item out.
  bool KeptOut(size_t item) const { return rejected_[item] != 0; }
  // Adds the item to the list.
  void Add(size_t item) {
    for (size_t c = 0; c < n_caps_; ++c) {
      OneCap& cap = caps_[c];
      if (cap.several) {
        for (const uint32_t slot : SlotsOf(cap, item)) ++cap.counts[slot];
      } else {
        ++cap.counts[cap.slot_of[item]];
      }
    }
  }

  // Replaces *rejected by how many items each cap has kept out.
  void CountRejected(std::vector<uint32_t>* rejected) const;

 private:
  struct OneCap {
    uint32_t max = 0;
    // A hash table of groups, with open addressing: a slot is free when its
    // group is kFree. Groups may be as many as items, so that counts by group
    // would take too much memory.
    std::vector<uint64_t> group_of_slot;
    std::vector<uint32_t> counts;
    // The slot of each item's group. With `several`, the slots of the first
    // item's groups, of the second's and so on; and where each item's end.
    std::vector<uint32_t> slot_of;
    bool several = false;
    std::vector<uint32_t> ends;
  };

  static std::span<const uint32_t> SlotsOf(const OneCap& cap, size_t item) {
    const size_t begin = item == 0 ? 0 : cap.ends[item - 1];
    return std::span(cap.slot_of).subspan(begin, cap.ends[item] - begin);
  }
  static bool AnyFull(const OneCap& cap, size_t item) {
    for (const uint32_t slot : SlotsOf(cap, item)) {
      if (cap.counts[slot] >= cap.max) return true;
    }
    return false;
  }

  void ResetOne(const FusionCap& cap, std::span<const Row> rows, OneCap* one);

  size_t n_caps_ = 0;
  std::array<OneCap, kMaxCaps> caps_;
  // For each item a set of bits: bit c is set when cap c kept it out.
  std::vector<uint8_t> rejected_;
  std::vector<uint32_t> groups_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_CAP_COUNTS_H_
