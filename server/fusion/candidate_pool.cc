#include "server/fusion/candidate_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace tributary {
namespace {

constexpr int kIndexBits = 24;
constexpr uint32_t kMaxIndex = (1u << kIndexBits) - 1;
constexpr uint32_t kMaxEpoch = 255;
// How many proposals ahead slots are prefetched: the searches before have
// evicted them from the near caches.
constexpr size_t kFetchAhead = 12;

}  // namespace

void CandidatePool::Merge(std::span<const FusionSource> sources) {
  size_t proposals = 0;
  for (const FusionSource& source : sources) {
    proposals += source.proposals.size();
  }
  assert(proposals <= kMaxIndex);
  // The table stays at most half full.
  const size_t wanted = std::bit_ceil(2 * proposals + 1);
  if (slots_.size() < wanted || ++epoch_ > kMaxEpoch) {
    slots_.assign(std::max(wanted, slots_.size()), 0);
    epoch_ = 1;
  }
  entries_.clear();
  entries_.reserve(proposals);
  entry_of_.resize(proposals);
  first_of_.clear();
  uint32_t* next = entry_of_.data();
  for (size_t s = 0; s < sources.size(); ++s) {
    first_of_.push_back(static_cast<size_t>(next - entry_of_.data()));
    const std::span<const ScoredRow> list = sources[s].proposals;
    for (size_t i = 0; i < list.size(); ++i) {
      const size_t ahead = std::min(i + kFetchAhead, list.size() - 1);
      __builtin_prefetch(&slots_[SlotOf(list[ahead].row)]);
      const uint32_t index = FindOrAdd(list[i].row);
      entries_[index].sources |= 1u << s;
      *next++ = index;
    }
  }
}

size_t CandidatePool::SlotOf(Row row) const {
  // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3,
  // section 6.4) spreads the runs of adjacent rows that lists contain.
  return (row * 0x9e3779b97f4a7c15ull >> 32) & (slots_.size() - 1);
}

uint32_t CandidatePool::FindOrAdd(Row row) {
  const size_t mask = slots_.size() - 1;
  const uint64_t current = uint64_t{row} << 32 | uint64_t{epoch_} << kIndexBits;
  size_t at = SlotOf(row);
  while (true) {
    const uint64_t slot = slots_[at];
    if ((slot & ~uint64_t{kMaxIndex}) == current) return slot & kMaxIndex;
    if (((slot ^ current) >> kIndexBits & kMaxEpoch) != 0) break;
    at = (at + 1) & mask;
  }
  const auto index = static_cast<uint32_t>(entries_.size());
  slots_[at] = current | index;
  entries_.push_back({row, 0, 0, false, 0});
  return index;
}

}  // namespace tributary
