// Fusion merges the proposals of several sources into one ordered list without
// duplicates, under quotas. This folder knows rows and scores, but no
// retrievers, bundles or RPC. Its functions depend on their arguments alone.
#ifndef TRIBUTARY_SERVER_FUSION_FUSION_H_
#define TRIBUTARY_SERVER_FUSION_FUSION_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

inline constexpr uint32_t kMaxSources = 32;

// The value of a proposal in a fusion model, before its source's weight:
//   ln(1 + 60 / (rank + 1)), rank counted from 0.
// With constants from 20 to 200 instead of 60, recall on ml-100k and debian was
// within about 2% of this at every prefix.
double RankValue(size_t rank);

// How many caps one list may have.
inline constexpr size_t kMaxCaps = 8;

// What multiplies the scores of items; fusion does not know why. Thread-safe.
class RowFactors {
 public:
  virtual ~RowFactors() = default;
  // Sets factors[i], above 0 and finite, to what multiplies the score of
  // rows[i]. REQUIRES: the two have the same size.
  virtual void GetFactors(std::span<const Row> rows,
                          std::span<float> factors) const = 0;
};

// Sorts items into groups, of which a list may have only so many items.
// Thread-safe.
class RowGroups {
 public:
  virtual ~RowGroups() = default;
  // Sets groups[i] to the group of rows[i]. Every item has one, unless
  // several(). REQUIRES: the two have the same size.
  virtual void GetGroups(std::span<const Row> rows,
                         std::span<uint32_t> groups) const = 0;

  // Whether an item may be in several groups. Then GetAllGroups is asked
  // instead: it replaces *groups by the groups of rows[0], those of rows[1] and
  // so on, each with one at least and none twice, and (*ends)[i] by where those
  // of rows[i] end.
  virtual bool several() const { return false; }
  virtual void GetAllGroups(std::span<const Row> /*rows*/,
                            std::vector<uint32_t>* /*groups*/,
                            std::vector<uint32_t>* /*ends*/) const {}
};

// At most `max` items of each group are in the list. An item that is in several
// groups counts in each, and is left out if one of them is full.
struct FusionCap {
  const RowGroups* groups = nullptr;
  uint32_t max = 0;
};

// The vectors of items, by which fusion knows how alike they are. Thread-safe.
class RowVectors {
 public:
  virtual ~RowVectors() = default;
  // The length of a vector.
  virtual uint32_t dim() const = 0;
  // Writes the dim() values of the vector of rows[i] to vectors + i * dim();
  // zeros for an item without one.
  virtual void GetVectors(std::span<const Row> rows, float* vectors) const = 0;
};

// When to stop what may take long.
struct FusionDeadline {
  std::chrono::steady_clock::time_point at =
      std::chrono::steady_clock::time_point::max();
  // True when nobody waits for the list any more; may be null.
  const std::atomic<bool>* cancelled = nullptr;

  // Costs reading a clock.
  bool Passed() const {
    return (cancelled != nullptr &&
            cancelled->load(std::memory_order_relaxed)) ||
           std::chrono::steady_clock::now() >= at;
  }
};

// How different the items of a list should be from each other; see Diversity
// in retrieval.proto.
struct FusionDiversity {
  // Null: no matter.
  const RowVectors* vectors = nullptr;
  // 0, difference alone, to 1, relevance alone.
  double lambda = 1;
  // From how many of the best items the list is chosen; 0: kPoolOfK * k.
  uint32_t pool = 0;
  // What is left to choose then is chosen by score.
  FusionDeadline deadline = {};
};

// A diverse list of k is chosen from the best kPoolOfK * k items, unless its
// options say otherwise.
inline constexpr uint32_t kPoolOfK = 4;

enum class FusionPolicy { kQuota, kRrf, kWeighted, kInterleave };

// The proposals of one source, and its quota. Sources are given in order of
// priority.
struct FusionSource {
  // Best first, without duplicates.
  std::span<const ScoredRow> proposals;
  // min <= target <= max. See Quota in retrieval.proto.
  uint32_t target = 0;
  uint32_t min = 0;
  uint32_t max = std::numeric_limits<uint32_t>::max();
  // 0 or more. Used by kQuota with a model, kRrf and kWeighted; see
  // FusionResult::weights_unusable.
  double weight = 0;
};

struct FusionOptions {
  FusionPolicy policy = FusionPolicy::kQuota;
  // The length of the fused list, if the sources propose that many items.
  uint32_t k = 0;
  // Greater than 0. Used by kRrf, and by kQuota without a model.
  double k0 = 60;
  // For kQuota: whether the weights are those of a v1::FusionModel.
  bool has_model = false;
  // What multiplies the scores, and which groups are capped. Null and empty:
  // nothing. At most kMaxCaps. They outlive the call.
  const RowFactors* factors = nullptr;
  std::span<const FusionCap> caps = {};
  // Its vectors outlive the call.
  FusionDiversity diversity = {};
};

struct FusedCandidate {
  Row row;
  float score;
  // Bit s is set when source s proposed the row, whether or not the row counts
  // towards its quota.
  uint32_t sources;

  friend bool operator==(const FusedCandidate&,
                         const FusedCandidate&) = default;
};

struct SourceOutcome {
  // Candidates that count towards the source's quota; at most its target.
  uint32_t admitted = 0;
  // max(0, target - admitted).
  uint32_t shortfall = 0;
  // Whether the source falls short because the list was full, and not because
  // it had no more proposals.
  bool list_full = false;
  // Whether it falls short because of caps: they kept at least `shortfall` of
  // its proposals out of the list.
  bool capped = false;
};

struct FusionResult {
  // At most k, best first, without duplicates. With diversity, in the order in
  // which they were chosen, so that scores do not descend.
  std::vector<FusedCandidate> candidates;
  // One for each source.
  std::vector<SourceOutcome> outcomes;
  // Whether all sources had the weight 1 instead of their own: the policy
  // weighs sources, and none that proposed an item had a weight above 0.
  bool weights_unusable = false;
  // With diversity: how long choosing took, and whether it was stopped at the
  // deadline, so that the last candidates are in the order of their scores.
  std::chrono::nanoseconds diversity_duration{0};
  bool diversity_stopped = false;
  // One for each candidate, if the options have factors; else empty.
  std::vector<float> factors;
  // One for each cap: how many proposed items it kept out of the list. An item
  // that two caps keep out counts for both; one that was not looked at, because
  // the list was full, for none.
  std::vector<uint32_t> rejected;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_FUSION_H_
