#include "server/fusion/candidate_pool.h"

#include <algorithm>
#include <bit>

namespace tributary {

void CandidatePool::Merge(std::span<const FusionSource> sources) {
  size_t proposals = 0;
  for (const FusionSource& source : sources) {
    proposals += source.proposals.size();
  }
  // At most a quarter full: few runs, few surprises.
  const size_t wanted = std::bit_ceil(4 * proposals + 1);
  if (slots_.size() < wanted || ++epoch_ == 0) {
    slots_.assign(std::max(wanted, slots_.size()), Slot{});
    epoch_ = 1;
  }
  entries_.clear();
  entries_.reserve(proposals);
  places_.resize(proposals);
  first_place_.clear();
  uint32_t* next = places_.data();
  for (size_t s = 0; s < sources.size(); ++s) {
    first_place_.push_back(static_cast<size_t>(next - places_.data()));
    for (const ScoredRow& proposal : sources[s].proposals) {
      const uint32_t place = FindOrAdd(proposal.row);
      entries_[place].sources |= 1u << s;
      *next++ = place;
    }
  }
}

uint32_t CandidatePool::FindOrAdd(Row row) {
  const size_t mask = slots_.size() - 1;
  // Fibonacci hashing spreads the runs of rows that neighbours in a list have.
  size_t at = (row * 0x9e3779b97f4a7c15ull >> 32) & mask;
  for (; slots_[at].epoch == epoch_; at = (at + 1) & mask) {
    if (slots_[at].row == row) return slots_[at].place;
  }
  const auto place = static_cast<uint32_t>(entries_.size());
  slots_[at] = {epoch_, row, place};
  entries_.push_back({row, 0, 0, false});
  return place;
}

}  // namespace tributary
