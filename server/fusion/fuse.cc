#include "server/fusion/fuse.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "server/fusion/candidate_pool.h"
#include "server/fusion/score.h"
#include "server/fusion/score_order.h"

namespace tributary {
namespace {

using Entry = CandidatePool::Entry;

// Chooses at most k entries of a scored pool.
class Selection {
 public:
  // `order` has the places of all entries, best first.
  Selection(std::span<const FusionSource> sources, uint32_t k,
            std::span<const uint32_t> order, CandidatePool* pool)
      : sources_(sources), k_(k), order_(order), pool_(pool) {}

  // Each source in turn takes its best entries, by rank or by score, until
  // `quota` of them count for it; what another source took costs it nothing.
  void Reserve(uint32_t FusionSource::*quota, bool by_score) {
    for (size_t s = 0; s < sources_.size(); ++s) {
      const uint32_t wanted = sources_[s].*quota;
      if (by_score) {
        ReserveByScore(s, wanted);
      } else {
        ReserveByRank(s, wanted);
      }
    }
  }

  // Fills up to k by score.
  void Backfill() {
    for (size_t i = 0; i < order_.size() && chosen_ < k_; ++i) {
      Entry& entry = pool_->entries()[order_[i]];
      if (entry.chosen) continue;
      const int s = SourceWithRoom(entry.sources);
      if (s >= 0) Choose(&entry, static_cast<size_t>(s));
    }
  }

  SourceOutcome Outcome(size_t s) const {
    const uint32_t target = sources_[s].target;
    SourceOutcome outcome;
    outcome.admitted = std::min(counted_[s], target);
    outcome.shortfall = target - outcome.admitted;
    outcome.list_full = outcome.shortfall > 0 && chosen_ == k_ && LeftOver(s);
    return outcome;
  }

 private:
  void ReserveByRank(size_t s, uint32_t wanted) {
    const size_t proposed = sources_[s].proposals.size();
    for (size_t rank = 0; rank < proposed; ++rank) {
      if (chosen_ == k_ || counted_[s] >= wanted) return;
      Entry& entry = pool_->At(s, rank);
      if (!entry.chosen) Choose(&entry, s);
    }
  }

  // Without branches on what is random: they would cost more than the rest.
  void ReserveByScore(size_t s, uint32_t wanted) {
    for (const uint32_t place : order_) {
      if (chosen_ == k_ || counted_[s] >= wanted) return;
      Entry& entry = pool_->entries()[place];
      const bool takes = (entry.sources >> s & 1) > entry.chosen;
      entry.chosen |= takes;
      chosen_ += takes;
      counted_[s] += takes;
    }
  }

  void Choose(Entry* entry, size_t s) {
    entry->chosen = true;
    ++chosen_;
    ++counted_[s];
  }

  // The first of the entry's sources that has not reached its max, or -1.
  int SourceWithRoom(uint32_t entry_sources) const {
    for (uint32_t bits = entry_sources; bits != 0; bits &= bits - 1) {
      const int s = std::countr_zero(bits);
      if (counted_[s] < sources_[s].max) return s;
    }
    return -1;
  }

  bool LeftOver(size_t s) const {
    for (size_t rank = 0; rank < sources_[s].proposals.size(); ++rank) {
      if (!pool_->At(s, rank).chosen) return true;
    }
    return false;
  }

  const std::span<const FusionSource> sources_;
  const uint32_t k_;
  const std::span<const uint32_t> order_;
  CandidatePool* const pool_;
  uint32_t chosen_ = 0;
  // How many entries count for each source.
  uint32_t counted_[kMaxSources] = {};
};

// Each is written where the next chosen one belongs, without a branch.
void WriteChosen(std::span<const Entry> entries,
                 std::span<const uint32_t> order,
                 std::vector<FusedCandidate>* candidates) {
  candidates->resize(order.size());
  size_t size = 0;
  for (const uint32_t place : order) {
    const Entry& entry = entries[place];
    (*candidates)[size] = {entry.row, static_cast<float>(entry.score),
                           entry.sources};
    size += entry.chosen;
  }
  candidates->resize(size);
}

}  // namespace

void Fuse(std::span<const FusionSource> sources, const FusionOptions& options,
          FusionResult* result) {
  static thread_local CandidatePool pool;
  static thread_local ScoreOrder score_order;

  pool.Merge(sources);
  ScoreCandidates(sources, options, &pool);
  const std::span<const uint32_t> order = score_order.Sort(pool.entries());
  Selection selection(sources, options.k, order, &pool);
  const bool by_score =
      options.policy == FusionPolicy::kQuota && options.has_model;
  selection.Reserve(&FusionSource::min, by_score);
  if (options.policy == FusionPolicy::kQuota) {
    selection.Reserve(&FusionSource::target, by_score);
  }
  selection.Backfill();

  WriteChosen(pool.entries(), order, &result->candidates);
  result->outcomes.clear();
  for (size_t s = 0; s < sources.size(); ++s) {
    result->outcomes.push_back(selection.Outcome(s));
  }
}

}  // namespace tributary
