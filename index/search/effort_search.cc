#include "index/search/effort_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "index/parallel/parallel_for.h"
#include "index/search/recall.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A setting that was chosen on some queries does a little worse on others: in
// standard errors of the mean recall.
constexpr double kMargin = 3;
// Queries that a thread measures at a time.
constexpr uint64_t kQueriesPerTask = 16;

}  // namespace

absl::StatusOr<GroundTruth> GroundTruth::Create(const IndexInput& input,
                                                uint32_t n) {
  GroundTruth truth(input);
  const uint64_t queries = input.queries.size() / input.stored.dim;
  truth.answers_.resize(queries);
  std::vector<absl::Status> statuses(queries);
  ParallelFor(queries, 4, input.threads, [&](uint64_t begin, uint64_t end) {
    for (uint64_t i = begin; i < end; ++i) {
      statuses[i] = FlatScan({input.values, input.stored.dim}, truth.Query(i),
                             n, {}, SteadyTime::max(), &truth.answers_[i]);
    }
  });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return truth;
}

absl::StatusOr<IndexCandidate> GroundTruth::Measure(
    const CodedArrays& arrays, const SearchEffort& effort) const {
  return MeasureFor(effort.n, arrays, effort);
}

absl::StatusOr<IndexCandidate> GroundTruth::MeasureFor(
    uint32_t n, const CodedArrays& arrays, const SearchEffort& effort) const {
  const CodedSearcher searcher(arrays.view(), input_.stored, effort);
  std::vector<Measured> measured(answers_.size());
  ParallelFor(answers_.size(), kQueriesPerTask, input_.threads,
              [&](uint64_t begin, uint64_t end) {
                MeasureQueries(searcher, n, begin, end, &measured);
              });
  const double count = static_cast<double>(answers_.size());
  IndexCandidate candidate{.effort = effort};
  double squares = 0;
  // Added in the order of queries, so that sums do not depend on threads.
  for (const Measured& query : measured) {
    RETURN_IF_ERROR(query.status);
    candidate.recall += query.recall;
    squares += query.recall * query.recall / count;
    candidate.cost_ns += query.cost_ns / count;
    candidate.us += query.us / count;
  }
  // Divided once, at the end: the mean of exact answers is 1 without rounding.
  candidate.recall /= count;
  candidate.standard_error = std::sqrt(
      std::max(0.0, squares - candidate.recall * candidate.recall) / count);
  return candidate;
}

void GroundTruth::MeasureQueries(const CodedSearcher& searcher, uint32_t n,
                                 uint64_t begin, uint64_t end,
                                 std::vector<Measured>* measured) const {
  std::vector<ScoredRow> hits;
  SearchWork work;
  for (uint64_t i = begin; i < end; ++i) {
    Measured& query = (*measured)[i];
    const auto start = std::chrono::steady_clock::now();
    query.status =
        searcher.Search(Query(i), n, {}, SteadyTime::max(), &hits, &work);
    const std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - start;
    if (!query.status.ok()) return;
    const std::span<const ScoredRow> answer = answers_[i];
    query.recall =
        Recall(answer.first(std::min<size_t>(n, answer.size())), hits);
    query.cost_ns = searcher.CostNs(work);
    query.us = time.count();
  }
}

bool GroundTruth::Meets(const IndexCandidate& candidate) const {
  return candidate.recall >=
         std::min(1.0,
                  input_.target_recall + kMargin * candidate.standard_error);
}

std::span<const float> GroundTruth::Query(size_t i) const {
  return input_.queries.subspan(i * input_.stored.dim, input_.stored.dim);
}

StepSearch::StepSearch(const GroundTruth& truth, std::vector<uint32_t> steps,
                       MeasuredKind* kind)
    : truth_(truth),
      steps_(std::move(steps)),
      kind_(*kind),
      least_(steps_.size()) {}

absl::Status StepSearch::FindLeast(const EffortAt& effort_at) {
  return Bisect(effort_at, 0, least_);
}

absl::Status StepSearch::FindLess(const EffortAt& effort_at) {
  const bool first = least_ == steps_.size();
  size_t met = least_;
  // The first time, the last step only tells whether there is any.
  for (size_t down = 1; met > 0; down *= 2) {
    const size_t at = met - std::min(down, met);
    ASSIGN_OR_RETURN(const bool meets, Measure(effort_at(steps_[at])));
    if (!meets) return Bisect(effort_at, at + 1, met);
    met = at;
    if (first) break;
  }
  return Bisect(effort_at, 0, met);
}

// The target is missed below `below`, and met at `met` unless that is least_.
absl::Status StepSearch::Bisect(const EffortAt& effort_at, size_t below,
                                size_t met) {
  while (below < met) {
    const size_t middle = below + (met - below) / 2;
    ASSIGN_OR_RETURN(const bool meets, Measure(effort_at(steps_[middle])));
    if (meets) {
      met = middle;
    } else {
      below = middle + 1;
    }
  }
  least_ = met;
  return absl::OkStatus();
}

absl::StatusOr<bool> StepSearch::Measure(const SearchEffort& effort) {
  ASSIGN_OR_RETURN(const IndexCandidate candidate,
                   truth_.Measure(kind_.arrays, effort));
  kind_.candidates.push_back(candidate);
  const bool meets = truth_.Meets(candidate);
  if (meets && (!kind_.best || candidate.cost_ns < kind_.best->cost_ns)) {
    kind_.best = candidate;
  }
  return meets;
}

}  // namespace tributary
