// Fusion: merge + quotas + dedupe + backfill, giving one ordered list. Pure
// functions; this folder knows rows and scores, and nothing of retrievers,
// bundles' files or RPC.
#ifndef TRIBUTARY_SERVER_FUSION_FUSION_H_
#define TRIBUTARY_SERVER_FUSION_FUSION_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

inline constexpr uint32_t kMaxSources = 32;

// What a fusion model takes a proposal to be worth, up to its source's weight:
// ln(1 + 60 / (rank + 1)), for ranks are counted from 0 here. On ml-100k and
// debian, recall was within about 2% at every prefix for 20 to 200 in the place
// of 60.
double RankValue(size_t rank);

enum class FusionPolicy { kQuota, kRrf, kWeighted, kInterleave };

// One source's proposals and what it may contribute. Sources are given in
// order of priority.
struct FusionSource {
  // Best first, no row twice.
  std::span<const ScoredRow> proposals;
  // min <= target <= max. See Quota in retrieval.proto.
  uint32_t target = 0;
  uint32_t min = 0;
  uint32_t max = std::numeric_limits<uint32_t>::max();
  // 0 or more; for kQuota with a model, kRrf and kWeighted.
  double weight = 0;
};

struct FusionOptions {
  FusionPolicy policy = FusionPolicy::kQuota;
  uint32_t k = 0;
  // Greater than 0.
  double k0 = 60;
  // For kQuota: the sources' weights are those of a v1::FusionModel.
  bool has_model = false;
};

struct FusedCandidate {
  Row row;
  float score;
  // Bit s is set when source s proposed the row, admitted by it or not.
  uint32_t sources;

  friend bool operator==(const FusedCandidate&,
                         const FusedCandidate&) = default;
};

struct SourceOutcome {
  // Candidates that count towards the source's quota.
  uint32_t admitted = 0;
  // max(0, target - admitted).
  uint32_t shortfall = 0;
  // The shortfall is there because the list was full, not because the source
  // had no more.
  bool list_full = false;
};

struct FusionResult {
  // At most k, best first, no row twice.
  std::vector<FusedCandidate> candidates;
  // One for each source.
  std::vector<SourceOutcome> outcomes;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_FUSION_H_
