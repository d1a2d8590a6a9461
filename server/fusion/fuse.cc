// Selection under quotas.
//
// A list by score alone may starve a source: if the scores of one source are
// high, all k items are its own. A quota promises each source a number of items
// in the list (its target, at least its min, at most its max), however its
// scores compare. Three passes over the scored pool keep this promise:
//   Reserve(min), Reserve(target)   in order of priority, each source takes its
//                                   best items that are not in the list yet,
//                                   until its quota is met. An item that
//                                   another source has taken is skipped, so
//                                   that duplicates cost no source its quota.
//   Backfill                        the rest of the list, by score, within each
//                                   source's max.
// The selection only decides which items are in the list; the list is ordered
// by score afterwards, so that reserved items stand where their scores put
// them. With a model, a source reserves its best items by fused score, because
// the score is the better estimate of what the user wants; without one, by the
// source's own ranks. A pass looks at each entry at most once for each source.
//
// Factors of items, which express what the business wants, multiply scores
// before all this, so that they act wherever a score decides. Caps act in every
// pass: an entry of whose group the list has enough is passed over.
//
// A diverse list is chosen from a pool, which is a list of 4 k that is selected
// in this way, but for caps: they act on what is chosen from it.
#include "server/fusion/fuse.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <limits>

#include "server/fusion/candidate_pool.h"
#include "server/fusion/cap_counts.h"
#include "server/fusion/marginal_relevance.h"
#include "server/fusion/score.h"
#include "server/fusion/score_order.h"
#include "server/fusion/unit_vectors.h"

namespace tributary {
namespace {

using Entry = CandidatePool::Entry;

// Weights beyond it, or all below its inverse, are scaled.
constexpr double kMaxWeight = 1e15;

// Chooses at most k entries of a scored pool.
class Selection {
 public:
  // `order` has the indices of all entries, best first. `caps`, whose items are
  // the entries, is null if there are none.
  Selection(std::span<const FusionSource> sources, uint32_t k,
            std::span<const uint32_t> order, CandidatePool* pool,
            CapCounts* caps)
      : sources_(sources), k_(k), order_(order), pool_(pool), caps_(caps) {}

  // Each source in turn takes its best entries that are not chosen yet, by
  // score or by its own ranks, until `quota` entries count towards it.
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

  // Fills the list up to k by score.
  void Backfill() {
    for (size_t i = 0; i < order_.size() && chosen_ < k_; ++i) {
      Entry& entry = pool_->entries()[order_[i]];
      if (entry.chosen) continue;
      const int s = SourceBelow(&FusionSource::max, entry.sources);
      if (s < 0 || !Fits(entry)) continue;
      Choose(&entry, static_cast<size_t>(s));
    }
  }

  // Chooses nothing but the entries of `list`, of which there are at most k,
  // and counts each for its first source that is below its target, or else
  // below its max.
  void ChooseOnly(std::span<const uint32_t> list, uint32_t k) {
    k_ = k;
    chosen_ = 0;
    std::fill(std::begin(counted_), std::end(counted_), 0);
    for (Entry& entry : pool_->entries()) entry.chosen = false;
    for (const uint32_t index : list) {
      Entry& entry = pool_->entries()[index];
      entry.chosen = true;
      ++chosen_;
      int s = SourceBelow(&FusionSource::target, entry.sources);
      if (s < 0) s = SourceBelow(&FusionSource::max, entry.sources);
      if (s >= 0) ++counted_[s];
    }
  }

  SourceOutcome Outcome(size_t s) const {
    const uint32_t target = sources_[s].target;
    SourceOutcome outcome;
    outcome.admitted = std::min(counted_[s], target);
    outcome.shortfall = target - outcome.admitted;
    outcome.list_full =
        outcome.shortfall > 0 && chosen_ == k_ && HasUnchosen(s);
    outcome.capped = outcome.shortfall > 0 && caps_ != nullptr &&
                     CountKeptOut(s) >= outcome.shortfall;
    return outcome;
  }

 private:
  void ReserveByRank(size_t s, uint32_t wanted) {
    const size_t proposed = sources_[s].proposals.size();
    for (size_t rank = 0; rank < proposed; ++rank) {
      if (chosen_ == k_ || counted_[s] >= wanted) return;
      Entry& entry = pool_->At(s, rank);
      if (!entry.chosen && Fits(entry)) Choose(&entry, s);
    }
  }

  // Whether an entry is taken is unpredictable, so that mispredicted branches
  // would cost more than the rest of the loop: there is none.
  void ReserveByScore(size_t s, uint32_t wanted) {
    if (caps_ != nullptr) return ReserveByScoreUnderCaps(s, wanted);
    for (const uint32_t index : order_) {
      if (chosen_ == k_ || counted_[s] >= wanted) return;
      Entry& entry = pool_->entries()[index];
      const bool takes = (entry.sources >> s & 1) > entry.chosen;
      entry.chosen |= takes;
      chosen_ += takes;
      counted_[s] += takes;
    }
  }

  void ReserveByScoreUnderCaps(size_t s, uint32_t wanted) {
    for (const uint32_t index : order_) {
      if (chosen_ == k_ || counted_[s] >= wanted) return;
      Entry& entry = pool_->entries()[index];
      const bool proposed = (entry.sources >> s & 1) != 0;
      if (proposed && !entry.chosen && Fits(entry)) Choose(&entry, s);
    }
  }

  size_t IndexOf(const Entry& entry) const {
    return static_cast<size_t>(&entry - pool_->entries().data());
  }

  // Whether no cap keeps the entry out.
  bool Fits(const Entry& entry) {
    return caps_ == nullptr || caps_->Admits(IndexOf(entry));
  }

  void Choose(Entry* entry, size_t s) {
    if (caps_ != nullptr) caps_->Add(IndexOf(*entry));
    entry->chosen = true;
    ++chosen_;
    ++counted_[s];
  }

  // The first of the given sources that has not reached this limit, or -1.
  int SourceBelow(uint32_t FusionSource::*limit, uint32_t entry_sources) const {
    for (uint32_t bits = entry_sources; bits != 0; bits &= bits - 1) {
      const int s = std::countr_zero(bits);
      if (counted_[s] < sources_[s].*limit) return s;
    }
    return -1;
  }

  // How many of the source's proposals caps kept out.
  uint32_t CountKeptOut(size_t s) const {
    uint32_t kept_out = 0;
    for (size_t rank = 0; rank < sources_[s].proposals.size(); ++rank) {
      kept_out += caps_->KeptOut(IndexOf(pool_->At(s, rank)));
    }
    return kept_out;
  }

  // Whether the source proposed an entry that was not chosen.
  bool HasUnchosen(size_t s) const {
    for (size_t rank = 0; rank < sources_[s].proposals.size(); ++rank) {
      if (!pool_->At(s, rank).chosen) return true;
    }
    return false;
  }

  const std::span<const FusionSource> sources_;
  uint32_t k_;
  const std::span<const uint32_t> order_;
  CandidatePool* const pool_;
  CapCounts* const caps_;
  uint32_t chosen_ = 0;
  // How many entries count towards each source's quota.
  uint32_t counted_[kMaxSources] = {};
};

// Writes the chosen entries in `order`. Without a branch: every entry is
// written to the next free position, which advances only if the entry was
// chosen.
void WriteChosen(std::span<const Entry> entries,
                 std::span<const uint32_t> order,
                 std::vector<FusedCandidate>* candidates) {
  candidates->resize(order.size());
  size_t size = 0;
  for (const uint32_t index : order) {
    const Entry& entry = entries[index];
    (*candidates)[size] = {entry.row, static_cast<float>(entry.score),
                           entry.sources};
    size += entry.chosen;
  }
  candidates->resize(size);
}

// Chooses by quotas and scores.
void Select(const FusionOptions& options, Selection* selection) {
  const bool by_score =
      options.policy == FusionPolicy::kQuota && options.has_model;
  selection->Reserve(&FusionSource::min, by_score);
  if (options.policy == FusionPolicy::kQuota) {
    selection->Reserve(&FusionSource::target, by_score);
  }
  selection->Backfill();
}

void ListRows(std::span<const Entry> entries, std::vector<Row>* rows) {
  rows->resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) (*rows)[i] = entries[i].row;
}

// Multiplies the scores of entries[i], whose row is rows[i], by (*factors)[i].
void Multiply(const RowFactors& what, std::span<const Row> rows,
              std::span<Entry> entries, std::vector<float>* factors) {
  factors->resize(rows.size());
  what.GetFactors(rows, *factors);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].score = std::min<double>(entries[i].score * (*factors)[i],
                                        std::numeric_limits<float>::max());
  }
}

// Writes the factors of the chosen entries in `order`.
void WriteFactors(std::span<const Entry> entries,
                  std::span<const uint32_t> order,
                  std::span<const float> factors, std::vector<float>* written) {
  written->clear();
  for (const uint32_t index : order) {
    if (entries[index].chosen) written->push_back(factors[index]);
  }
}

// Vectors that take more memory are not kept for the next call.
constexpr size_t kMostKeptValues = size_t{1} << 24;

// The pool of a diverse list: its entries, best first, with their vectors.
class DiversePool {
 public:
  // Indices of entries.
  std::vector<uint32_t> members;
  std::vector<Row> rows;
  std::vector<float> scores;
  std::vector<int16_t> units;
  bool has_units = false;

  // Replaces the members by the chosen ones of `order`. Without vectors, if the
  // deadline passes first.
  void Gather(std::span<const Entry> entries, std::span<const uint32_t> order,
              const RowVectors& source, const FusionDeadline& deadline) {
    members.clear();
    has_units = false;
    rows.clear();
    scores.clear();
    for (const uint32_t index : order) {
      const Entry& entry = entries[index];
      if (!entry.chosen) continue;
      members.push_back(index);
      rows.push_back(entry.row);
      scores.push_back(static_cast<float>(entry.score));
    }
    const size_t stride = UnitStride(source.dim());
    units.resize(rows.size() * stride);
    // As many at a time as the nearest cache holds.
    constexpr size_t kAtOnce = 64;
    vectors_.resize(kAtOnce * source.dim());
    for (size_t begin = 0; begin < rows.size(); begin += kAtOnce) {
      if (deadline.Passed()) return;
      const auto some = std::span(rows).subspan(
          begin, std::min(kAtOnce, rows.size() - begin));
      source.GetVectors(some, vectors_.data());
      MakeUnit(vectors_.data(), some.size(), source.dim(),
               units.data() + begin * stride);
    }
    has_units = true;
  }

 private:
  std::vector<float> vectors_;
};

// The indices of a diverse list's entries, in its order. Where caps leave the
// list short, the pool is made larger, up to all entries. Valid until the
// thread's next call.
std::span<const uint32_t> ChooseDiverse(std::span<const FusionSource> sources,
                                        const FusionOptions& options,
                                        std::span<const Row> rows,
                                        std::span<const uint32_t> order,
                                        CandidatePool* pool, CapCounts* caps,
                                        FusionResult* result) {
  static thread_local DiversePool diverse;
  static thread_local MarginalRelevance relevance;
  static thread_local std::vector<uint32_t> list;
  const auto start = std::chrono::steady_clock::now();
  const RowVectors& vectors = *options.diversity.vectors;
  const FusionDeadline& deadline = options.diversity.deadline;
  const uint64_t wanted = options.diversity.pool == 0
                              ? uint64_t{kPoolOfK} * options.k
                              : options.diversity.pool;
  for (uint64_t size = std::max<uint64_t>(wanted, options.k);; size *= 2) {
    const auto limit = static_cast<uint32_t>(
        std::min<uint64_t>(size, std::numeric_limits<uint32_t>::max()));
    Selection selection(sources, limit, order, pool, /*caps=*/nullptr);
    Select(options, &selection);
    diverse.Gather(pool->entries(), order, vectors, deadline);
    const int16_t* const units =
        diverse.has_units ? diverse.units.data() : nullptr;
    const auto chosen = relevance.Choose({.scores = diverse.scores,
                                          .units = units,
                                          .stride = UnitStride(vectors.dim()),
                                          .deadline = deadline,
                                          .caps = caps,
                                          .items = diverse.members},
                                         options.diversity.lambda, options.k);
    list.clear();
    for (const uint32_t member : chosen) {
      list.push_back(diverse.members[member]);
    }
    const bool is_short = caps != nullptr && list.size() < options.k;
    if (!is_short || size >= order.size()) break;
    caps->Reset(options.caps, rows);
    for (Entry& entry : pool->entries()) entry.chosen = false;
  }
  result->diversity_stopped = relevance.stopped();
  if (diverse.units.capacity() > kMostKeptValues) {
    diverse = DiversePool();
    relevance = MarginalRelevance();
  }
  result->diversity_duration = std::chrono::steady_clock::now() - start;
  return list;
}

// Whether every item would have the score 0, and the list the order of ids.
bool WeightsAreUnusable(std::span<const FusionSource> sources,
                        FusionPolicy policy) {
  if (policy != FusionPolicy::kRrf && policy != FusionPolicy::kWeighted) {
    return false;
  }
  bool any = false;
  for (const FusionSource& source : sources) {
    if (source.proposals.empty()) continue;
    if (source.weight > 0) return false;
    any = true;
  }
  return any;
}

bool PolicyWeighs(const FusionOptions& options) {
  return options.policy == FusionPolicy::kRrf ||
         options.policy == FusionPolicy::kWeighted ||
         (options.policy == FusionPolicy::kQuota && options.has_model);
}

// The sources with weights that scores can be made of. All 1, if the weights
// are unusable. Where scores would leave the range of float, or where the
// largest ones would vanish there, all weights are scaled alike, which changes
// no order.
std::span<const FusionSource> WithUsableWeights(
    std::span<const FusionSource> sources, const FusionOptions& options,
    bool unusable) {
  static thread_local std::vector<FusionSource> weighed;
  double largest = 0;
  for (const FusionSource& source : sources) {
    if (!source.proposals.empty()) largest = std::max(largest, source.weight);
  }
  const double wanted = std::clamp(largest, 1 / kMaxWeight, kMaxWeight);
  const bool scaled = PolicyWeighs(options) && largest > 0 && wanted != largest;
  if (!unusable && !scaled) return sources;
  weighed.assign(sources.begin(), sources.end());
  for (FusionSource& source : weighed) {
    source.weight = unusable ? 1 : source.weight / largest * wanted;
  }
  return weighed;
}

}  // namespace

void Fuse(std::span<const FusionSource> sources, const FusionOptions& options,
          FusionResult* result) {
  static thread_local CandidatePool pool;
  static thread_local ScoreOrder score_order;
  static thread_local CapCounts cap_counts;
  // Of the pool's entries.
  static thread_local std::vector<Row> rows;
  static thread_local std::vector<float> factors;

  pool.Merge(sources);
  result->weights_unusable = WeightsAreUnusable(sources, options.policy);
  ScoreCandidates(WithUsableWeights(sources, options, result->weights_unusable),
                  options, &pool);
  const bool is_capped = !options.caps.empty();
  const bool is_diverse = options.diversity.vectors != nullptr;
  if (is_capped || options.factors != nullptr) ListRows(pool.entries(), &rows);
  if (options.factors != nullptr) {
    Multiply(*options.factors, rows, pool.entries(), &factors);
  }
  if (is_capped) cap_counts.Reset(options.caps, rows);
  const std::span<const uint32_t> order = score_order.Sort(pool.entries());
  CapCounts* const caps = is_capped ? &cap_counts : nullptr;
  Selection selection(sources, options.k, order, &pool, caps);
  // The indices of the chosen entries, and perhaps of others, in the order of
  // the list.
  std::span<const uint32_t> list = order;
  result->diversity_stopped = false;
  result->diversity_duration = {};
  if (is_diverse) {
    list = ChooseDiverse(sources, options, rows, order, &pool, caps, result);
    selection.ChooseOnly(list, options.k);
  } else {
    Select(options, &selection);
  }

  WriteChosen(pool.entries(), list, &result->candidates);
  result->factors.clear();
  if (options.factors != nullptr) {
    WriteFactors(pool.entries(), list, factors, &result->factors);
  }
  result->rejected.clear();
  if (is_capped) cap_counts.CountRejected(&result->rejected);
  result->outcomes.clear();
  for (size_t s = 0; s < sources.size(); ++s) {
    result->outcomes.push_back(selection.Outcome(s));
  }
}

}  // namespace tributary
