#include "server/fusion/fuse.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "server/fusion/candidate_pool.h"
#include "server/fusion/score.h"

namespace tributary {
namespace {

using Entry = CandidatePool::Entry;

bool BetterEntry(const Entry* a, const Entry* b) {
  return a->score != b->score ? a->score > b->score : a->row < b->row;
}

// Chooses at most k entries of a scored pool.
class Selection {
 public:
  Selection(std::span<const FusionSource> sources, uint32_t k,
            CandidatePool* pool, std::vector<Entry*>* chosen)
      : sources_(sources), k_(k), pool_(pool), chosen_(chosen) {
    chosen_->clear();
  }

  // Each source in turn takes its best entries, by rank or by score, until
  // `quota` of them count for it; what another source took costs it nothing.
  void Reserve(uint32_t FusionSource::*quota, bool by_score,
               std::vector<Entry*>* order) {
    for (size_t s = 0; s < sources_.size(); ++s) {
      if (counted_[s] >= sources_[s].*quota) continue;
      order->clear();
      for (size_t rank = 0; rank < sources_[s].proposals.size(); ++rank) {
        order->push_back(&pool_->At(s, rank));
      }
      if (by_score) std::sort(order->begin(), order->end(), BetterEntry);
      for (Entry* entry : *order) {
        if (chosen_->size() == k_ || counted_[s] == sources_[s].*quota) break;
        if (!entry->chosen) Choose(entry, s);
      }
    }
  }

  // Fills up to k by score. `rest` is scratch.
  void Backfill(std::vector<Entry*>* rest) {
    rest->clear();
    for (Entry& entry : pool_->entries()) {
      if (!entry.chosen) rest->push_back(&entry);
    }
    // With no `max` to respect, exactly the first of them are needed.
    const size_t wanted = k_ - chosen_->size();
    const bool any_max = std::any_of(
        sources_.begin(), sources_.end(), [](const FusionSource& source) {
          return source.max < source.proposals.size();
        });
    if (wanted == 0) return;
    if (!any_max && wanted < rest->size()) {
      std::nth_element(rest->begin(),
                       rest->begin() + static_cast<ptrdiff_t>(wanted),
                       rest->end(), BetterEntry);
      rest->resize(wanted);
    }
    std::sort(rest->begin(), rest->end(), BetterEntry);
    for (Entry* entry : *rest) {
      if (chosen_->size() == k_) break;
      const int s = SourceWithRoom(entry->sources);
      if (s >= 0) Choose(entry, static_cast<size_t>(s));
    }
  }

  SourceOutcome Outcome(size_t s) const {
    const uint32_t target = sources_[s].target;
    SourceOutcome outcome;
    outcome.admitted = std::min(counted_[s], target);
    outcome.shortfall = target - outcome.admitted;
    outcome.list_full =
        outcome.shortfall > 0 && chosen_->size() == k_ && LeftOver(s);
    return outcome;
  }

 private:
  void Choose(Entry* entry, size_t s) {
    entry->chosen = true;
    chosen_->push_back(entry);
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
  CandidatePool* const pool_;
  std::vector<Entry*>* const chosen_;
  // How many entries count for each source.
  uint32_t counted_[kMaxSources] = {};
};

}  // namespace

void Fuse(std::span<const FusionSource> sources, const FusionOptions& options,
          FusionResult* result) {
  static thread_local CandidatePool pool;
  static thread_local std::vector<Entry*> chosen;
  static thread_local std::vector<Entry*> rest;

  pool.Merge(sources);
  ScoreCandidates(sources, options, &pool);
  Selection selection(sources, options.k, &pool, &chosen);
  const bool by_score =
      options.policy == FusionPolicy::kQuota && options.has_model;
  selection.Reserve(&FusionSource::min, by_score, &rest);
  if (options.policy == FusionPolicy::kQuota) {
    selection.Reserve(&FusionSource::target, by_score, &rest);
  }
  selection.Backfill(&rest);
  std::sort(chosen.begin(), chosen.end(), BetterEntry);

  result->candidates.clear();
  for (const Entry* entry : chosen) {
    result->candidates.push_back(
        {entry->row, static_cast<float>(entry->score), entry->sources});
  }
  result->outcomes.clear();
  for (size_t s = 0; s < sources.size(); ++s) {
    result->outcomes.push_back(selection.Outcome(s));
  }
}

}  // namespace tributary
