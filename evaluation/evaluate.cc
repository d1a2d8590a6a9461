#include "evaluation/evaluate.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "evaluation/measurement.h"
#include "fmt/format.h"
#include "status/status_macros.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

absl::Status CheckMeasurable(const std::vector<TestUser>& users,
                             const EvaluationOptions& options) {
  if (users.empty()) {
    return absl::InvalidArgumentError("no test users to evaluate on");
  }
  if (options.ks.empty()) {
    return absl::InvalidArgumentError("no k to evaluate at");
  }
  for (const TestUser& user : users) {
    if (user.n_items > 0) continue;
    return absl::InvalidArgumentError(
        fmt::format("user \"{}\" has no test items", user.key));
  }
  return absl::OkStatus();
}

// Indices of at most n users, evenly spread over those with a history, or over
// all if no user has one.
std::vector<size_t> ChooseExamples(const Bundle& bundle,
                                   const std::vector<TestUser>& users,
                                   size_t n) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < users.size(); ++i) {
    const Row row = bundle.users().Find(std::string_view(users[i].key));
    if (!bundle.Seen(row).empty()) candidates.push_back(i);
  }
  if (candidates.empty()) {
    candidates.resize(users.size());
    std::iota(candidates.begin(), candidates.end(), 0);
  }
  std::vector<size_t> chosen;
  n = std::min(n, candidates.size());
  for (size_t i = 0; i < n; ++i) {
    chosen.push_back(candidates[i * candidates.size() / n]);
  }
  return chosen;
}

absl::StatusOr<std::vector<ExampleUser>> MakeExamples(
    const ListSource& lists, const std::vector<TestUser>& users,
    const EvaluationOptions& options) {
  std::vector<ExampleUser> examples;
  if (options.examples == 0) return examples;
  const Bundle& bundle = lists.bundle().bundle();
  for (const size_t i : ChooseExamples(bundle, users, options.examples)) {
    ExampleUser& example = examples.emplace_back();
    example.key = users[i].key;
    const auto seen =
        bundle.Seen(bundle.users().Find(std::string_view(users[i].key)));
    example.history.assign(seen.begin(), seen.end());
    example.test_items = users[i].items;
    // The head of the list that was measured, not a list of kExampleItems:
    // learned fusion and quotas may order the two differently.
    ASSIGN_OR_RETURN(example.list,
                     lists.Fused(users[i].key, options.ks.back()));
    if (example.list.size() > kExampleItems) example.list.resize(kExampleItems);
  }
  return examples;
}

}  // namespace

absl::Status ForEachUser(size_t n, uint32_t threads, std::string_view step,
                         const Progress& progress,
                         const std::function<absl::Status(size_t)>& body) {
  std::atomic<size_t> next = 0;
  struct {
    Mutex mutex;
    absl::Status status ABSL_GUARDED_BY(mutex);
  } first_error;
  const auto work = [&](bool tells) {
    for (size_t i = next++; i < n; i = next++) {
      if (tells)
        progress(step, static_cast<double>(i) / static_cast<double>(n));
      const absl::Status status = body(i);
      if (status.ok()) continue;
      const MutexLock lock(&first_error.mutex);
      first_error.status.Update(status);
      next = n;
    }
  };
  std::vector<std::thread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work, false);
  work(true);
  for (std::thread& thread : others) thread.join();
  progress(step, 1);
  const MutexLock lock(&first_error.mutex);
  return first_error.status;
}

absl::StatusOr<Evaluation> Evaluate(const ListSource& lists,
                                    const std::vector<TestUser>& users,
                                    const EvaluationOptions& options) {
  RETURN_IF_ERROR(CheckMeasurable(users, options));
  Measurement measurement(lists, users, options);
  RETURN_IF_ERROR(
      ForEachUser(users.size(), options.threads, "evaluate", options.progress,
                  [&](size_t user) { return measurement.MeasureUser(user); }));
  Evaluation evaluation = measurement.Summarise();
  ASSIGN_OR_RETURN(evaluation.examples, MakeExamples(lists, users, options));
  return evaluation;
}

v1::MeasuredRecall MeasuredRecallOf(const Evaluation& evaluation) {
  v1::MeasuredRecall measured;
  measured.set_users(evaluation.users);
  measured.set_held_out_interactions(evaluation.held_out_interactions);
  for (const ListFigures& list : evaluation.lists) {
    for (size_t k = 0; k < evaluation.ks.size(); ++k) {
      v1::MeasuredRecall::Point* point = measured.add_points();
      point->set_source(list.name);
      point->set_k(evaluation.ks[k]);
      point->set_recall(list.at[k][0].mean);
    }
  }
  return measured;
}

std::array<double, 3> LatencyPercentilesUs(const Evaluation& evaluation) {
  std::vector<float> sorted = evaluation.latencies_us;
  std::sort(sorted.begin(), sorted.end());
  std::array<double, 3> percentiles = {};
  constexpr std::array<double, 3> kShares = {.5, .95, .99};
  for (size_t i = 0; i < kShares.size() && !sorted.empty(); ++i) {
    const auto rank = static_cast<size_t>(
        kShares[i] * static_cast<double>(sorted.size() - 1));
    percentiles[i] = sorted[rank];
  }
  return percentiles;
}

Comparisons Compare(const Figures& a, const Figures& b, uint64_t seed,
                    uint32_t threads) {
  const Figures differences = a.Minus(b);
  const auto intervals = BootstrapMeans(differences, seed, threads);
  const auto p_values = RandomisationPValues(differences, seed, threads);
  Comparisons comparisons(a.columns() / kRankMetrics.size());
  for (size_t c = 0; c < intervals.size(); ++c) {
    comparisons[c / kRankMetrics.size()][c % kRankMetrics.size()] = {
        intervals[c], p_values[c]};
  }
  return comparisons;
}

}  // namespace tributary
