#ifndef TRIBUTARY_EVALUATION_EVALUATE_H_
#define TRIBUTARY_EVALUATION_EVALUATE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluation/figures.h"
#include "evaluation/held_out_users.h"
#include "evaluation/list_source.h"
#include "evaluation/rank_metrics.h"
#include "evaluation/segments.h"
#include "index/parallel/progress.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Calls body(i) for each i below `n` on `threads` threads. Calls progress(step,
// share done) on the calling thread only. Stops at the first error and returns
// it.
absl::Status ForEachUser(size_t n, uint32_t threads, std::string_view step,
                         const Progress& progress,
                         const std::function<absl::Status(size_t)>& body);

struct EvaluationOptions {
  // Ascending.
  std::vector<uint32_t> ks = {20, 50, 100, 200, 500};
  uint32_t threads = 1;
  // Seed of the bootstrap confidence intervals.
  uint64_t seed = 1;
  // Also fuse with other quotas (SourceFigures::quota_curve).
  bool quota_curves = false;
  // How many users' lists are kept to be shown (Evaluation::examples).
  size_t examples = 0;
  // Hears of the step "evaluate".
  Progress progress = IgnoreProgress;
};

// Sampled metrics rank each test item among this many others, and are taken at
// kSampledK: see MetricsAmongSampled.
inline constexpr std::array<uint32_t, 2> kSampledNegatives = {100, 1000};
inline constexpr uint32_t kSampledK = 10;

// The quality of the fused list, or of one source alone.
struct ListFigures {
  std::string name;
  // By k, then in the order of kRankMetrics.
  std::vector<std::array<Interval, kRankMetrics.size()>> at;
  // What follows is of the first list_k items. By kSampledNegatives.
  std::array<SampledMetrics, kSampledNegatives.size()> sampled = {};
  double coverage = 0;
  double gini = 0;
  // None where it is undefined for every list: see Novelty and Diversity.
  std::optional<double> novelty_bits;
  std::optional<double> diversity;
  // Recall at list_k by kUserSegments.
  std::array<Interval, kUserSegments.size()> by_user_segment = {};
  // Recall at list_k of the test items in each of kItemSegments, over the users
  // who have such items.
  std::array<Interval, kItemSegments.size()> by_item_segment = {};
};

// What one source contributes to the fused list.
struct SourceFigures {
  std::string name;
  // Users whose request asks this source by default.
  uint64_t planned_users = 0;
  // Test items among its first list_k proposals.
  uint64_t hits = 0;
  // Those hits that no other source proposes in its first list_k.
  uint64_t unique_hits = 0;
  // By k: the fused list's recall minus its recall when this source gives
  // nothing, as when it fails (leave one out).
  std::vector<Interval> recall_lost;
  // By source: the share of items in common among the first list_k (Jaccard).
  std::vector<double> overlap;
  // The fused list's recall at list_k and at the largest k while this source's
  // share of the quotas rises from 0 to 1 and the others keep their
  // proportions: [share][list_k, largest k]. Empty unless options.quota_curves,
  // and for sources that no user's request asks.
  std::vector<std::array<double, 2>> quota_curve;
  // Its mean default share over the users of quota_curve.
  double default_share = 0;
};

// Steps of the share in SourceFigures::quota_curve.
inline constexpr uint32_t kQuotaSteps = 10;
// Users over whom quota curves are averaged at most, chosen evenly.
inline constexpr size_t kQuotaCurveUsers = 1000;

// What a user had, did next and was shown.
struct ExampleUser {
  std::string key;
  // The newest last; of the bundle's seen list.
  std::vector<Row> history;
  // Test items of the catalogue, ascending.
  std::vector<Row> test_items;
  // The first kExampleItems items of the fused list.
  std::vector<Row> list;
};
inline constexpr uint32_t kExampleItems = 10;

struct Evaluation {
  std::vector<uint32_t> ks;
  // The k of figures that are not measured at every k: the first k of at least
  // 100, or the last k.
  uint32_t list_k = 0;
  uint64_t users = 0;
  uint64_t held_out_interactions = 0;
  // The fused list first, then every retriever.
  std::vector<ListFigures> lists;
  std::vector<SourceFigures> sources;
  UserSegments user_segments;
  // How many test users have test items of each of kItemSegments.
  std::array<uint64_t, kItemSegments.size()> item_segment_users = {};
  ItemSegments item_segments;
  // The space that diversity is measured in; empty when there is none.
  std::string diversity_space;
  // The source whose recall at list_k is best; 0 without sources. And that of
  // the fused list minus its.
  size_t best_source = 0;
  Interval lead_over_best_source;
  // Evenly spread over the users, and preferably users with a history.
  std::vector<ExampleUser> examples;
  // By user: the time to plan, ask the sources and fuse, on one thread a
  // request with options.threads requests side by side. Excludes writing the
  // reply.
  std::vector<float> latencies_us;
  // The fused list's metrics by user. Columns: for each k, those of
  // kRankMetrics.
  Figures fused{0, 0};
};

// Measures a bundle's lists on the test users. Makes one list of the largest k
// per user and source, as the server would, with seen items excluded. Figures
// are averages over users (macro averages) with 95% confidence intervals.
// Memory: about 1 kB per test user, and 4 bytes per item and retriever. Errors:
// those of retrieving; INVALID_ARGUMENT without users or ks, and for a user
// without test items, because nothing can be measured then.
absl::StatusOr<Evaluation> Evaluate(const ListSource& lists,
                                    const std::vector<TestUser>& users,
                                    const EvaluationOptions& options);

// The evaluation's recalls as the manifest stores them.
v1::MeasuredRecall MeasuredRecallOf(const Evaluation& evaluation);

// The 50th, 95th and 99th percentile of the latencies, in microseconds.
std::array<double, 3> LatencyPercentilesUs(const Evaluation& evaluation);

// The difference between two evaluations of the same users.
struct Comparison {
  // A minus B.
  Interval difference;
  double p_value = 1;
};
// By k, and in the order of kRankMetrics.
using Comparisons = std::vector<std::array<Comparison, kRankMetrics.size()>>;
// Compares figures whose columns are those of Evaluation::fused. REQUIRES:
// equal users and ks.
Comparisons Compare(const Figures& a, const Figures& b, uint64_t seed,
                    uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_EVALUATE_H_
