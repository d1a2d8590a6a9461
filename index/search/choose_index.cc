#include "index/search/choose_index.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "index/parallel/parallel_for.h"
#include "index/search/coded_search.h"
#include "index/search/recall.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// What a flat scan of half-precision vectors takes.
constexpr double kFlatValueNs = 0.06;
constexpr double kFlatVectorNs = 0.5;
// Rescored vectors by results: what is tried.
constexpr double kRescoreRatios[] = {1.2, 1.5, 1.8, 2,   2.2, 2.4, 2.6,
                                     2.8, 3,   3.3, 3.7, 4.2, 5,   6.5,
                                     8,   10,  15,  25,  40};
// Each step looks into this much more, or rescores it.
constexpr double kProbeStep = 1.06;
// What is exact is kept unless something else is this much faster.
constexpr double kWorthwhile = 1.5;
// In standard errors of the mean: settings that were chosen on some queries do
// a little worse on others.
constexpr double kMargin = 3;
// From here on, an ivf is faster than a scan.
constexpr uint64_t kMaxScanVectors = 200'000;
// Times the root of the number of vectors; from 1 to 2 makes little difference.
constexpr double kListsPerRoot = 1.4;
// Smaller lists than this are mostly overhead.
constexpr uint64_t kMinListSize = 32;
// Effort is chosen for this share of the vectors at most: where most of them
// are results, anything finds them.
constexpr uint32_t kMaxShareOfVectors = 4;
// How much may be saved for fewer results, the most first; and for what shares
// of the results that is held against the target, down to a few.
constexpr double kShrinkages[] = {1, 0.75, 0.5, 0.25};
constexpr uint32_t kFewerBy[] = {4, 20, 50};
constexpr uint32_t kFew = 5;

struct Trial {
  SearchEffort effort;
  double recall = 0;
  // Of the mean recall.
  double standard_error = 0;
  double cost_ns = 0;
  double us = 0;
};

// A kind with the arrays it searches, and what was tried of it.
struct Candidate {
  std::string kind;
  CodedArrays arrays;
  // Meets the target, if it was met.
  std::optional<Trial> best;
  std::vector<Trial> trials;
};

// Queries with their exact answers.
class Referee {
 public:
  // Of the best n.
  static absl::StatusOr<Referee> Create(const IndexInput& input, uint32_t n) {
    Referee referee(input);
    const uint64_t queries = input.queries.size() / input.stored.dim;
    referee.answers_.resize(queries);
    std::vector<absl::Status> statuses(queries);
    ParallelFor(queries, 4, input.threads, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin; i < end; ++i) {
        statuses[i] =
            FlatScan({input.values, input.stored.dim}, referee.Query(i), n, {},
                     SteadyTime::max(), &referee.answers_[i]);
      }
    });
    for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    return referee;
  }

  absl::StatusOr<Trial> Try(const CodedArrays& arrays,
                            const SearchEffort& effort) const {
    return TryFor(effort.n, arrays, effort);
  }

  // What is found of the best n, no more than effort.n.
  absl::StatusOr<Trial> TryFor(uint32_t n, const CodedArrays& arrays,
                               const SearchEffort& effort) const {
    const CodedSearcher searcher(arrays.view(), input_.stored, effort);
    const double count = static_cast<double>(answers_.size());
    Trial trial{.effort = effort};
    double squares = 0;
    std::vector<ScoredRow> hits;
    SearchWork work;
    std::chrono::duration<double, std::micro> time{0};
    for (size_t i = 0; i < answers_.size(); ++i) {
      const auto start = std::chrono::steady_clock::now();
      RETURN_IF_ERROR(
          searcher.Search(Query(i), n, {}, SteadyTime::max(), &hits, &work));
      time += std::chrono::steady_clock::now() - start;
      const std::span<const ScoredRow> answer = answers_[i];
      const double recall =
          Recall(answer.first(std::min<size_t>(n, answer.size())), hits);
      trial.recall += recall;
      squares += recall * recall / count;
      trial.cost_ns += searcher.CostNs(work) / count;
    }
    // Divided once: of exact answers the mean is 1.
    trial.recall /= count;
    trial.us = time.count() / count;
    trial.standard_error =
        std::sqrt(std::max(0.0, squares - trial.recall * trial.recall) / count);
    return trial;
  }

  bool Meets(const Trial& trial) const {
    return trial.recall >=
           std::min(1.0, input_.target_recall + kMargin * trial.standard_error);
  }

 private:
  explicit Referee(const IndexInput& input) : input_(input) {}
  std::span<const float> Query(size_t i) const {
    return input_.queries.subspan(i * input_.stored.dim, input_.stored.dim);
  }

  const IndexInput& input_;
  std::vector<std::vector<ScoredRow>> answers_;
};

// Numbers from `low` to `high`, each a step above the last.
std::vector<uint32_t> Steps(uint32_t low, uint32_t high) {
  std::vector<uint32_t> steps;
  for (double at = low; at < high; at = std::max(at + 1, at * kProbeStep)) {
    steps.push_back(static_cast<uint32_t>(at));
  }
  steps.push_back(high);
  return steps;
}

// Tries the fewest probes (or, if there is but one list, the fewest rescored)
// of `steps` that meet the target, by halving.
absl::Status FindLeast(const Referee& referee, std::span<const uint32_t> steps,
                       const std::function<SearchEffort(uint32_t)>& effort_at,
                       Candidate* candidate) {
  size_t below = 0;
  size_t met = steps.size();
  while (below < met) {
    const size_t middle = below + (met - below) / 2;
    ASSIGN_OR_RETURN(const Trial trial,
                     referee.Try(candidate->arrays, effort_at(steps[middle])));
    candidate->trials.push_back(trial);
    if (!referee.Meets(trial)) {
      below = middle + 1;
      continue;
    }
    met = middle;
    if (!candidate->best || trial.cost_ns < candidate->best->cost_ns) {
      candidate->best = trial;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Candidate> TryScan(const IndexInput& input, uint32_t n,
                                  const Referee& referee) {
  const auto vectors =
      static_cast<uint32_t>(input.values.size() / input.stored.dim);
  const uint32_t dim = input.stored.dim;
  Candidate candidate{.kind = "scan", .arrays = {}, .best = {}, .trials = {}};
  ASSIGN_OR_RETURN(
      candidate.arrays,
      EncodeVectors(input.values, dim, DefaultCodeDims(dim), 1, input.threads));
  RETURN_IF_ERROR(FindLeast(
      referee, Steps(n, vectors),
      [&](uint32_t rescored) {
        return SearchEffort{.n = n, .probes = 1, .rescored = rescored};
      },
      &candidate));
  return candidate;
}

uint32_t DefaultLists(uint64_t vectors) {
  const double lists = kListsPerRoot * std::sqrt(static_cast<double>(vectors));
  return static_cast<uint32_t>(std::clamp<double>(
      lists, 1,
      std::max<double>(
          1, std::floor(static_cast<double>(vectors) / kMinListSize))));
}

absl::StatusOr<Candidate> TryIvf(const IndexInput& input, uint32_t n,
                                 const Referee& referee) {
  const auto vectors =
      static_cast<uint32_t>(input.values.size() / input.stored.dim);
  const uint32_t dim = input.stored.dim;
  const uint32_t lists =
      std::min(input.lists == 0 ? DefaultLists(vectors) : input.lists, vectors);
  Candidate candidate{.kind = "ivf", .arrays = {}, .best = {}, .trials = {}};
  ASSIGN_OR_RETURN(candidate.arrays,
                   EncodeVectors(input.values, dim, DefaultCodeDims(dim), lists,
                                 input.threads));
  const std::vector<uint32_t> steps =
      Steps(std::min(lists, 8U), candidate.arrays.view().lists());
  for (const double ratio : kRescoreRatios) {
    const auto rescored =
        static_cast<uint32_t>(std::clamp<double>(ratio * n, n, vectors));
    // Rescoring alone costs more than what has been found.
    const CodedSearcher searcher(candidate.arrays.view(), input.stored,
                                 {n, 1, rescored});
    if (candidate.best &&
        searcher.CostNs({.rescored = rescored}) > candidate.best->cost_ns) {
      break;
    }
    RETURN_IF_ERROR(FindLeast(
        referee, steps,
        [&](uint32_t probes) {
          return SearchEffort{.n = n, .probes = probes, .rescored = rescored};
        },
        &candidate));
  }
  return candidate;
}

// Sets how much may be saved for fewer results.
absl::Status SetShrinkage(const Referee& referee, Candidate* candidate) {
  SearchEffort& effort = candidate->best->effort;
  for (const double shrinkage : kShrinkages) {
    effort.shrinkage = shrinkage;
    bool meets = true;
    for (const uint32_t fewer_by : kFewerBy) {
      const uint32_t n = effort.n / fewer_by;
      if (!meets || n < kFew) break;
      ASSIGN_OR_RETURN(const Trial trial,
                       referee.TryFor(n, candidate->arrays, effort));
      meets = referee.Meets(trial);
    }
    if (meets) return absl::OkStatus();
  }
  effort.shrinkage = 0;
  return absl::OkStatus();
}

double FlatCostNs(const IndexInput& input) {
  const double vectors =
      static_cast<double>(input.values.size()) / input.stored.dim;
  return vectors * (kFlatVectorNs + kFlatValueNs * input.stored.dim);
}

// Every trial that no other beats in both recall and cost.
void AddTrials(std::span<const Candidate> candidates, v1::IndexSpec* spec) {
  struct Row {
    const std::string* kind;
    const Trial* trial;
  };
  std::vector<Row> rows;
  for (const Candidate& candidate : candidates) {
    for (const Trial& trial : candidate.trials) {
      rows.push_back({&candidate.kind, &trial});
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.trial->recall != b.trial->recall) {
      return a.trial->recall > b.trial->recall;
    }
    return a.trial->cost_ns < b.trial->cost_ns;
  });
  double cheapest = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    if (row.trial->cost_ns >= cheapest) continue;
    cheapest = row.trial->cost_ns;
    v1::IndexCandidate& trial = *spec->add_candidates();
    trial.set_kind(*row.kind);
    trial.set_probes(row.trial->effort.probes);
    trial.set_reranked(row.trial->effort.rescored);
    trial.set_recall(row.trial->recall);
    trial.set_us(row.trial->us);
  }
  std::reverse(spec->mutable_candidates()->begin(),
               spec->mutable_candidates()->end());
}

absl::Status TargetMissed(const IndexInput& input, const Candidate& candidate) {
  const auto best = std::max_element(
      candidate.trials.begin(), candidate.trials.end(),
      [](const Trial& a, const Trial& b) { return a.recall < b.recall; });
  return absl::FailedPreconditionError(fmt::format(
      "index.kind {} reaches recall {:.4f} of the best {} with {} of {} lists "
      "and {} vectors rescored, below index.target_recall {}",
      candidate.kind, best->recall, best->effort.n, best->effort.probes,
      candidate.arrays.view().lists(), best->effort.rescored,
      input.target_recall));
}

ChosenIndex Flat(uint32_t n) {
  ChosenIndex chosen;
  chosen.spec.set_kind("flat");
  chosen.spec.set_measured_recall(1);
  chosen.spec.set_measured_n(n);
  return chosen;
}

ChosenIndex Coded(Candidate candidate) {
  ChosenIndex chosen;
  v1::IndexSpec& spec = chosen.spec;
  const Trial& best = *candidate.best;
  spec.set_kind(candidate.kind);
  spec.set_measured_recall(best.recall);
  spec.set_measured_n(best.effort.n);
  spec.set_measured_us(best.us);
  spec.set_code_dims(candidate.arrays.code_dims);
  spec.set_lists(candidate.arrays.view().lists());
  spec.set_probes(best.effort.probes);
  spec.set_reranked(best.effort.rescored);
  spec.set_small_n_exponent(best.effort.shrinkage);
  chosen.arrays = std::move(candidate.arrays);
  return chosen;
}

// The kinds worth trying.
absl::StatusOr<std::vector<Candidate>> TryKinds(const IndexInput& input,
                                                uint32_t n,
                                                const Referee& referee) {
  std::vector<Candidate> candidates;
  const uint64_t vectors = input.values.size() / input.stored.dim;
  const bool any = input.kind == "auto";
  if (input.kind == "ivf" || (any && DefaultLists(vectors) > 1)) {
    ASSIGN_OR_RETURN(Candidate ivf, TryIvf(input, n, referee));
    candidates.push_back(std::move(ivf));
  }
  if (input.kind == "scan" || (any && vectors <= kMaxScanVectors)) {
    ASSIGN_OR_RETURN(Candidate scan, TryScan(input, n, referee));
    candidates.push_back(std::move(scan));
  }
  return candidates;
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
  if (input.kind == "flat") return Flat(n);
  const auto tried_n = static_cast<uint32_t>(
      std::clamp<uint64_t>(vectors / kMaxShareOfVectors, 1, input.target_n));
  ASSIGN_OR_RETURN(const Referee referee, Referee::Create(input, tried_n));
  ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                   TryKinds(input, tried_n, referee));
  const auto cheaper = [](const Candidate& a, const Candidate& b) {
    const double infinite = std::numeric_limits<double>::infinity();
    return (a.best ? a.best->cost_ns : infinite) <
           (b.best ? b.best->cost_ns : infinite);
  };
  v1::IndexSpec trials;
  AddTrials(candidates, &trials);
  const auto best =
      std::min_element(candidates.begin(), candidates.end(), cheaper);
  if (input.kind == "auto" &&
      (!best->best || best->best->cost_ns * kWorthwhile >= FlatCostNs(input))) {
    return Flat(n);
  }
  if (!best->best) return TargetMissed(input, *best);
  RETURN_IF_ERROR(SetShrinkage(referee, &*best));
  ChosenIndex chosen = Coded(std::move(*best));
  *chosen.spec.mutable_candidates() = trials.candidates();
  return chosen;
}

}  // namespace tributary
