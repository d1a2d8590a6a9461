#include "index/search/choose_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "index/search/coded_search.h"
#include "index/search/effort_search.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The search for the cheapest candidate.
//
// Recall grows with both settings of an ivf, probes p and reranked vectors r,
// and so does cost. For each ratio r / n in kRerankRatios, from the least, the
// fewest probes that meet the target are looked for; their candidate is the
// cheapest with that r. Growing r beyond what is needed lets p fall, so that
// the cheapest of all lies in between. A candidate with more r is only worth
// measuring with fewer p than were found before: the search for them goes down
// from there, in steps that double, and ends with a binary search. A ratio that
// misses the target with all lists costs one measurement. The loop ends when
// reranking r vectors alone costs more than the best candidate does. A scan has
// only r to search for.
//
// The exact answers are computed once, and the codes once per kind; a candidate
// costs one search per query. Queries are shared out among the threads.

// Cost of a flat scan of half-precision vectors, in nanoseconds per value and
// per vector.
constexpr double kFlatValueNs = 0.06;
constexpr double kFlatVectorNs = 0.5;
// Reranked vectors per result.
constexpr double kRerankRatios[] = {1.2, 1.5, 1.8, 2,   2.2, 2.4, 2.6,
                                    2.8, 3,   3.3, 3.7, 4.2, 5,   6.5,
                                    8,   10,  15,  25,  40};
// The numbers of probes (for a scan: of reranked vectors) that the binary
// search considers grow by this factor.
constexpr double kProbeStep = 1.06;
// Kind auto keeps the exact scan unless a candidate is this much faster.
constexpr double kWorthwhile = 1.5;
// With more vectors an ivf is faster than a scan.
constexpr uint64_t kMaxScanVectors = 200'000;
// Lists per root of the number of vectors; from 1 to 2 makes little difference.
constexpr double kListsPerRoot = 1.4;
// Scanning smaller lists is mostly overhead.
constexpr uint64_t kMinListSize = 32;
// Effort is chosen for at most 1 / kMaxShareOfVectors of the vectors.
constexpr uint32_t kMaxShareOfVectors = 4;
// Values of small_n_exponent that are tried, the most saving first, and the
// divisors of n for which recall is then compared with the target, as long as
// at least kFew results remain.
constexpr double kSmallNExponents[] = {1, 0.75, 0.5, 0.25};
constexpr uint32_t kFewerBy[] = {4, 20, 50};
constexpr uint32_t kFew = 5;

// Numbers from `low` to `high`, each kProbeStep times the last or one more.
std::vector<uint32_t> Steps(uint32_t low, uint32_t high) {
  std::vector<uint32_t> steps;
  for (double at = low; at < high; at = std::max(at + 1, at * kProbeStep)) {
    steps.push_back(static_cast<uint32_t>(at));
  }
  steps.push_back(high);
  return steps;
}

absl::StatusOr<MeasuredKind> MeasureScan(const IndexInput& input, uint32_t n,
                                         const GroundTruth& truth) {
  const auto vectors =
      static_cast<uint32_t>(input.values.size() / input.stored.dim);
  const uint32_t dim = input.stored.dim;
  MeasuredKind kind{.name = "scan", .arrays = {}, .best = {}, .candidates = {}};
  ASSIGN_OR_RETURN(
      kind.arrays,
      EncodeVectors(input.values, dim, DefaultCodeDims(dim), 1, input.threads));
  RETURN_IF_ERROR(StepSearch(truth, Steps(n, vectors), &kind)
                      .FindLeast([&](uint32_t reranked) {
                        return SearchEffort{
                            .n = n, .probes = 1, .reranked = reranked};
                      }));
  return kind;
}

uint32_t DefaultLists(uint64_t vectors) {
  const double lists = kListsPerRoot * std::sqrt(static_cast<double>(vectors));
  return static_cast<uint32_t>(std::clamp<double>(
      lists, 1,
      std::max<double>(
          1, std::floor(static_cast<double>(vectors) / kMinListSize))));
}

absl::StatusOr<MeasuredKind> MeasureIvf(const IndexInput& input, uint32_t n,
                                        const GroundTruth& truth) {
  const auto vectors =
      static_cast<uint32_t>(input.values.size() / input.stored.dim);
  const uint32_t dim = input.stored.dim;
  const uint32_t lists =
      std::min(input.lists == 0 ? DefaultLists(vectors) : input.lists, vectors);
  MeasuredKind kind{.name = "ivf", .arrays = {}, .best = {}, .candidates = {}};
  ASSIGN_OR_RETURN(kind.arrays,
                   EncodeVectors(input.values, dim, DefaultCodeDims(dim), lists,
                                 input.threads));
  StepSearch search(
      truth, Steps(std::min(lists, 8U), kind.arrays.view().lists()), &kind);
  for (const double ratio : kRerankRatios) {
    const auto reranked =
        static_cast<uint32_t>(std::clamp<double>(ratio * n, n, vectors));
    // Reranking alone costs more than the best candidate.
    const CodedSearcher searcher(kind.arrays.view(), input.stored,
                                 {n, 1, reranked});
    if (kind.best &&
        searcher.CostNs({.reranked = reranked}) > kind.best->cost_ns) {
      break;
    }
    RETURN_IF_ERROR(search.FindLess([&](uint32_t probes) {
      return SearchEffort{.n = n, .probes = probes, .reranked = reranked};
    }));
  }
  return kind;
}

// Sets the largest small_n_exponent with which searches for fewer results meet
// the target, of those up to `most`, or 0.
absl::Status ChooseSmallNExponent(const GroundTruth& truth, double most,
                                  MeasuredKind* kind) {
  SearchEffort& effort = kind->best->effort;
  for (const double small_n_exponent : kSmallNExponents) {
    if (small_n_exponent > most) continue;
    effort.small_n_exponent = small_n_exponent;
    bool meets = true;
    for (const uint32_t fewer_by : kFewerBy) {
      const uint32_t n = effort.n / fewer_by;
      if (!meets || n < kFew) break;
      ASSIGN_OR_RETURN(const IndexCandidate candidate,
                       truth.MeasureFor(n, kind->arrays, effort));
      meets = truth.Meets(candidate);
    }
    if (meets) return absl::OkStatus();
  }
  effort.small_n_exponent = 0;
  return absl::OkStatus();
}

double FlatCostNs(const IndexInput& input) {
  const double vectors =
      static_cast<double>(input.values.size()) / input.stored.dim;
  return vectors * (kFlatVectorNs + kFlatValueNs * input.stored.dim);
}

// Adds the candidates on the Pareto front of recall and cost to the spec, by
// ascending recall.
void AddCandidates(std::span<const MeasuredKind> kinds, v1::IndexSpec* spec) {
  struct Row {
    const std::string* kind;
    const IndexCandidate* candidate;
  };
  std::vector<Row> rows;
  for (const MeasuredKind& kind : kinds) {
    for (const IndexCandidate& candidate : kind.candidates) {
      rows.push_back({&kind.name, &candidate});
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.candidate->recall != b.candidate->recall) {
      return a.candidate->recall > b.candidate->recall;
    }
    return a.candidate->cost_ns < b.candidate->cost_ns;
  });
  double cheapest = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    if (row.candidate->cost_ns >= cheapest) continue;
    cheapest = row.candidate->cost_ns;
    v1::IndexCandidate& written = *spec->add_candidates();
    written.set_kind(*row.kind);
    written.set_probes(row.candidate->effort.probes);
    written.set_reranked(row.candidate->effort.reranked);
    written.set_recall(row.candidate->recall);
    written.set_us(row.candidate->us);
  }
  std::reverse(spec->mutable_candidates()->begin(),
               spec->mutable_candidates()->end());
}

absl::Status TargetMissed(const IndexInput& input, const MeasuredKind& kind) {
  const auto best =
      std::max_element(kind.candidates.begin(), kind.candidates.end(),
                       [](const IndexCandidate& a, const IndexCandidate& b) {
                         return a.recall < b.recall;
                       });
  return absl::FailedPreconditionError(fmt::format(
      "index.kind {} reaches recall {:.4f} of the best {} with {} of {} lists "
      "and {} vectors reranked, below index.target_recall {}",
      kind.name, best->recall, best->effort.n, best->effort.probes,
      kind.arrays.view().lists(), best->effort.reranked, input.target_recall));
}

ChosenIndex Flat(uint32_t n) {
  ChosenIndex chosen;
  chosen.spec.set_kind("flat");
  chosen.spec.set_measured_recall(1);
  chosen.spec.set_measured_n(n);
  return chosen;
}

ChosenIndex Coded(MeasuredKind kind) {
  ChosenIndex chosen;
  v1::IndexSpec& spec = chosen.spec;
  const IndexCandidate& best = *kind.best;
  spec.set_kind(kind.name);
  spec.set_measured_recall(best.recall);
  spec.set_measured_n(best.effort.n);
  spec.set_measured_us(best.us);
  spec.set_code_dims(kind.arrays.code_dims);
  spec.set_lists(kind.arrays.view().lists());
  spec.set_probes(best.effort.probes);
  spec.set_reranked(best.effort.reranked);
  spec.set_small_n_exponent(best.effort.small_n_exponent);
  chosen.arrays = std::move(kind.arrays);
  return chosen;
}

// The earlier index's settings on the new vectors; nullopt when they miss the
// target. Searches for fewer results are checked as well: where the earlier
// exponent misses the target for them, it is chosen again.
absl::StatusOr<std::optional<ChosenIndex>> TakeOver(const IndexInput& input,
                                                    uint32_t n,
                                                    const GroundTruth& truth) {
  const v1::IndexSpec& earlier = *input.earlier;
  const auto vectors =
      static_cast<uint32_t>(input.values.size() / input.stored.dim);
  const uint32_t dim = input.stored.dim;
  MeasuredKind kind{
      .name = earlier.kind(), .arrays = {}, .best = {}, .candidates = {}};
  ASSIGN_OR_RETURN(
      kind.arrays,
      EncodeVectors(input.values, dim, DefaultCodeDims(dim),
                    std::clamp(earlier.lists(), 1U, vectors), input.threads));
  // In a small catalogue n follows its size.
  const double scale = static_cast<double>(n) / earlier.measured_n();
  const auto reranked =
      static_cast<uint32_t>(std::ceil(scale * earlier.reranked()));
  ASSIGN_OR_RETURN(
      const IndexCandidate candidate,
      truth.Measure(kind.arrays,
                    {.n = n,
                     .probes = std::clamp(earlier.probes(), 1U,
                                          kind.arrays.view().lists()),
                     .reranked = std::clamp(reranked, n, vectors)}));
  if (!truth.Meets(candidate)) return std::nullopt;
  kind.best = candidate;
  RETURN_IF_ERROR(
      ChooseSmallNExponent(truth, earlier.small_n_exponent(), &kind));
  return Coded(std::move(kind));
}

// Measures the kinds that `input` allows and that are worth it.
absl::StatusOr<std::vector<MeasuredKind>> MeasureKinds(
    const IndexInput& input, uint32_t n, const GroundTruth& truth) {
  std::vector<MeasuredKind> kinds;
  const uint64_t vectors = input.values.size() / input.stored.dim;
  const bool any = input.kind == "auto";
  if (input.kind == "ivf" || (any && DefaultLists(vectors) > 1)) {
    ASSIGN_OR_RETURN(MeasuredKind ivf, MeasureIvf(input, n, truth));
    kinds.push_back(std::move(ivf));
  }
  if (input.kind == "scan" || (any && vectors <= kMaxScanVectors)) {
    ASSIGN_OR_RETURN(MeasuredKind scan, MeasureScan(input, n, truth));
    kinds.push_back(std::move(scan));
  }
  return kinds;
}

}  // namespace

absl::StatusOr<ChosenIndex> ChooseIndex(const IndexInput& input) {
  if (input.values.empty() || input.queries.empty() || input.target_n == 0) {
    return absl::InvalidArgumentError(
        fmt::format("an index needs vectors, queries and target_n to be built; "
                    "there are {} values, {} query values, target_n {}",
                    input.values.size(), input.queries.size(), input.target_n));
  }
  const uint64_t vectors = input.values.size() / input.stored.dim;
  const auto n =
      static_cast<uint32_t>(std::min<uint64_t>(input.target_n, vectors));
  const bool earlier_is_flat =
      input.earlier != nullptr && input.earlier->kind() == "flat";
  if (input.kind == "flat" || earlier_is_flat) {
    ChosenIndex chosen = Flat(n);
    chosen.took_over = earlier_is_flat;
    return chosen;
  }
  const auto tried_n = static_cast<uint32_t>(
      std::clamp<uint64_t>(vectors / kMaxShareOfVectors, 1, input.target_n));
  ASSIGN_OR_RETURN(const GroundTruth truth,
                   GroundTruth::Create(input, tried_n));
  if (input.earlier != nullptr && input.earlier->measured_n() > 0) {
    ASSIGN_OR_RETURN(auto taken, TakeOver(input, tried_n, truth));
    if (taken.has_value()) {
      taken->took_over = true;
      return *std::move(taken);
    }
  }
  ASSIGN_OR_RETURN(std::vector<MeasuredKind> kinds,
                   MeasureKinds(input, tried_n, truth));
  const auto cheaper = [](const MeasuredKind& a, const MeasuredKind& b) {
    const double infinite = std::numeric_limits<double>::infinity();
    return (a.best ? a.best->cost_ns : infinite) <
           (b.best ? b.best->cost_ns : infinite);
  };
  v1::IndexSpec measured;
  AddCandidates(kinds, &measured);
  const auto best = std::min_element(kinds.begin(), kinds.end(), cheaper);
  if (input.kind == "auto" &&
      (!best->best || best->best->cost_ns * kWorthwhile >= FlatCostNs(input))) {
    return Flat(n);
  }
  if (!best->best) return TargetMissed(input, *best);
  RETURN_IF_ERROR(ChooseSmallNExponent(truth, 1, &*best));
  ChosenIndex chosen = Coded(std::move(*best));
  *chosen.spec.mutable_candidates() = measured.candidates();
  return chosen;
}

}  // namespace tributary
