#ifndef TRIBUTARY_EVALUATION_EVALUATE_H_
#define TRIBUTARY_EVALUATION_EVALUATE_H_

#include <array>
#include <cstdint>
#include <functional>
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

// Calls body(i) for each i below `n` on `threads` threads, and progress(step,
// share done) now and then on the calling one. Returns the first error.
absl::Status ForEachUser(size_t n, uint32_t threads, std::string_view step,
                         const Progress& progress,
                         const std::function<absl::Status(size_t)>& body);

struct EvaluationOptions {
  // Ascending.
  std::vector<uint32_t> ks = {20, 50, 100, 200, 500};
  uint32_t threads = 1;
  // Of the bootstrap.
  uint64_t seed = 1;
  // Also fuse with other quotas (Evaluation::quota_curves).
  bool quota_curves = false;
  // Hears of the step "evaluate".
  Progress progress = IgnoreProgress;
};

// How many items each test item is ranked among, and the k of the figures.
inline constexpr std::array<uint32_t, 2> kSampledNegatives = {100, 1000};
inline constexpr uint32_t kSampledK = 10;

// What the fused list, or one source alone, is worth.
struct ListFigures {
  std::string name;
  // By k and in the order of kRankMetrics.
  std::vector<std::array<Interval, kRankMetrics.size()>> at;
  // Of the first list_k. By kSampledNegatives.
  std::array<SampledMetrics, kSampledNegatives.size()> sampled = {};
  double coverage = 0;
  double gini = 0;
  // NaN where no list has what it takes.
  double novelty_bits = 0;
  double diversity = 0;
  // Recall at list_k by kUserSegments, and of the test items of each of
  // kItemSegments, over the users who have any.
  std::array<Interval, kUserSegments.size()> by_user_segment = {};
  std::array<Interval, kItemSegments.size()> by_item_segment = {};
};

// What one source means to the fused list.
struct SourceFigures {
  std::string name;
  // Users whose request asks it by default.
  uint64_t planned_users = 0;
  // Among the first list_k: test items it proposes, and that no other source
  // proposes.
  uint64_t hits = 0;
  uint64_t unique_hits = 0;
  // By k: the fused list's recall minus its recall when this source gives
  // nothing, as when it fails (leave one out).
  std::vector<Interval> recall_lost;
  // By source: the share of items in common among the first list_k (Jaccard).
  std::vector<double> overlap;
  // The fused list's recall at list_k and at the largest k, as this source's
  // share of the quotas goes from 0 to 1 and the others keep their proportions:
  // [share][list_k, largest k]. Empty unless asked for, and for sources that
  // nobody's request asks.
  std::vector<std::array<double, 2>> quota_curve;
  // The share that it has by default, over the users of quota_curve.
  double default_share = 0;
};

// Steps of the share in SourceFigures::quota_curve.
inline constexpr uint32_t kQuotaSteps = 10;
// Users over whom quota curves are averaged at most, chosen evenly.
inline constexpr size_t kQuotaCurveUsers = 1000;

struct Evaluation {
  std::vector<uint32_t> ks;
  // The k of what is not measured at every k: the first from 100 on, or the
  // last.
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
  // By user: planning, asking the sources and fusing, one thread a request and
  // `threads` of them side by side; without writing the reply.
  std::vector<float> latencies_us;
  // By user; columns: for each k, the fused list's metrics in the order of
  // kRankMetrics.
  Figures fused{0, 0};
};

// What a bundle's lists are worth to the test users: for each one list of the
// largest k, as the server would make it, seen items left out; figures are
// averages over users (macro), with 95% intervals. Memory: about a kilobyte per
// test user, and four bytes per item and retriever. Errors: those of
// retrieving. REQUIRES: users have test items.
absl::StatusOr<Evaluation> Evaluate(const ListSource& lists,
                                    const std::vector<TestUser>& users,
                                    const EvaluationOptions& options);

// Its recalls in the form of the manifest.
v1::MeasuredRecall MeasuredRecallOf(const Evaluation& evaluation);

// Percentiles 50, 95 and 99 of the latencies, in microseconds.
std::array<double, 3> LatencyPercentilesUs(const Evaluation& evaluation);

// The difference between two evaluations of the same users.
struct Comparison {
  // A minus B.
  Interval difference;
  double p_value = 1;
};
// By k, and in the order of kRankMetrics.
using Comparisons = std::vector<std::array<Comparison, kRankMetrics.size()>>;
// REQUIRES: equal users and ks.
Comparisons Compare(const Evaluation& a, const Evaluation& b, uint64_t seed,
                    uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_EVALUATE_H_
