#include "evaluation/measurement.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr float kUndefined = std::numeric_limits<float>::quiet_NaN();
constexpr uint32_t kListK = 100;
// Columns of qualities_ within those of a list.
constexpr size_t kNoveltyColumn = 0;
constexpr size_t kDiversityColumn = 1;
constexpr size_t kSampledColumn = 2;
constexpr size_t kQualityColumns =
    kSampledColumn + 2 * kSampledNegatives.size();

uint32_t ListK(const std::vector<uint32_t>& ks) {
  const auto found = std::lower_bound(ks.begin(), ks.end(), kListK);
  return found == ks.end() ? ks.back() : *found;
}

const EmbeddingSpace* DiversitySpace(const Bundle& bundle) {
  const EmbeddingSpace* content = bundle.FindSpace("content");
  if (content != nullptr || bundle.spaces().empty()) return content;
  return &bundle.spaces()[0];
}

std::span<const Row> First(std::span<const Row> list, size_t k) {
  return list.first(std::min(k, list.size()));
}

// Sets quotas that sum to k: `share` of k for source `index`, the rest for the
// others in proportion to their `targets`, or evenly if those are all 0.
void SetShare(size_t index, double share, uint32_t k,
              std::span<const uint32_t> targets, Plan* plan) {
  const double had =
      std::accumulate(targets.begin(), targets.end(), 0.0) - targets[index];
  const auto n_others = static_cast<double>(targets.size() - 1);
  double sum = 0;
  uint32_t given = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double of_others = had > 0 ? targets[i] / had : 1 / n_others;
    sum += k * (i == index ? share : (1 - share) * of_others);
    // The running sum is rounded, so that the targets add up to k.
    plan->sources[i].target = static_cast<uint32_t>(std::lround(sum)) - given;
    given += plan->sources[i].target;
  }
}

std::vector<uint32_t> TargetsOf(const Plan& plan) {
  std::vector<uint32_t> targets;
  for (const PlannedSource& source : plan.sources) {
    targets.push_back(source.target);
  }
  return targets;
}

}  // namespace

Measurement::Measurement(const ListSource& lists,
                         const std::vector<TestUser>& users,
                         const EvaluationOptions& options)
    : source_(lists),
      users_(users),
      options_(options),
      ks_(options.ks),
      n_sources_(lists.bundle().retrievers().size()),
      n_lists_(n_sources_ + 1),
      list_k_(ListK(ks_)),
      diversity_space_(DiversitySpace(lists.bundle().bundle())),
      item_segments_(SegmentItems(lists.bundle().bundle())),
      figures_(users.size(), WithoutColumn(n_sources_, 0)),
      by_item_segment_(users.size(), n_lists_ * kItemSegments.size()),
      qualities_(users.size(), n_lists_ * kQualityColumns),
      quotas_(
          options.quota_curves ? std::min(users.size(), kQuotaCurveUsers) : 0,
          CurvePoint(n_sources_, 0) + n_sources_),
      planned_users_(n_sources_),
      overlap_(n_sources_),
      latencies_us_(users.size()) {
  for (size_t list = 0; list < n_lists_; ++list) {
    exposures_.emplace_back(lists.bundle().bundle().items().size(),
                            lists.passing().get());
  }
}

bool Measurement::IsCurveUser(size_t user, size_t* index) const {
  const size_t n = quotas_.users();
  if (n == 0) return false;
  // Curve user i of n is user floor(i * size / n).
  *index = (user * n + users_.size() - 1) / users_.size();
  return *index < n && *index * users_.size() / n == user;
}

// The fused list, then each source's list alone.
absl::StatusOr<std::vector<std::vector<Row>>> Measurement::ListsOf(
    size_t user, const Answers& answers, std::vector<Row> fused) {
  const uint32_t k = ks_.back();
  const std::string& key = users_[user].key;
  std::vector<std::vector<Row>> lists(n_lists_);
  lists[0] = std::move(fused);
  std::vector<bool> known(n_sources_);
  for (size_t i = 0; i < answers.results.size(); ++i) {
    const PlannedSource& planned = answers.plan.sources[i];
    const auto s = static_cast<size_t>(planned.retriever);
    planned_users_[s].fetch_add(1, std::memory_order_relaxed);
    if (planned.asked < k || source_.shapes_lists()) continue;
    known[s] = true;
    const auto& proposals = answers.results[i].proposals;
    for (size_t rank = 0; rank < std::min<size_t>(k, proposals.size());
         ++rank) {
      lists[s + 1].push_back(proposals[rank].row);
    }
  }
  for (size_t s = 0; s < n_sources_; ++s) {
    if (known[s]) continue;
    const auto& retriever = source_.bundle().retrievers()[s];
    ASSIGN_OR_RETURN(lists[s + 1],
                     source_.Alone(key, retriever.spec->name(), k));
  }
  return lists;
}

absl::Status Measurement::MeasureUser(size_t user) {
  static thread_local Answers answers;
  const auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(source_.AskSources(users_[user].key, ks_.back(), &answers));
  std::vector<Row> fused = source_.Fuse(answers);
  const std::chrono::duration<float, std::micro> took =
      std::chrono::steady_clock::now() - start;
  latencies_us_[user] = took.count();
  ASSIGN_OR_RETURN(const auto lists, ListsOf(user, answers, std::move(fused)));
  std::vector<List> of_sources;
  for (size_t list = 0; list < n_lists_; ++list) {
    MeasureList(user, list, lists[list]);
    if (list > 0) of_sources.push_back(First(lists[list], list_k_));
  }
  overlap_.Add(users_[user], of_sources);
  MeasureWithout(user, &answers);
  MeasureQuotas(user, &answers);
  return absl::OkStatus();
}

void Measurement::MeasureList(size_t user, size_t list, List rows) {
  const TestUser& test = users_[user];
  const Bundle& bundle = source_.bundle().bundle();
  const auto metrics = MetricsAt(test, rows, ks_);
  const std::span<float> figures = figures_.Of(user);
  for (size_t k = 0; k < ks_.size(); ++k) {
    std::copy(metrics[k].begin(), metrics[k].end(),
              figures.begin() + static_cast<ptrdiff_t>(MetricColumn(list, k)));
  }
  const List head = First(rows, list_k_);
  exposures_[list].Add(head);
  MeasureItemSegments(user, list, head);
  const std::span<float> quality =
      qualities_.Of(user).subspan(list * kQualityColumns, kQualityColumns);
  quality[kNoveltyColumn] = static_cast<float>(
      Novelty(head, item_segments_.users, bundle.users().size())
          .value_or(kUndefined));
  quality[kDiversityColumn] =
      diversity_space_ == nullptr
          ? kUndefined
          : static_cast<float>(
                Diversity(head, diversity_space_->items).value_or(kUndefined));
  // Others than these cannot be in a list.
  const PassingItems* const passing = source_.passing().get();
  const uint64_t n_items =
      passing == nullptr ? bundle.items().size() : passing->count();
  const auto seen =
      bundle.Seen(bundle.users().Find(std::string_view(test.key)));
  const auto n_seen = static_cast<size_t>(std::count_if(
      seen.begin(), seen.end(),
      [passing](Row row) { return passing == nullptr || passing->Has(row); }));
  for (size_t i = 0; i < kSampledNegatives.size(); ++i) {
    const SampledMetrics sampled = MetricsAmongSampled(
        test, rows, n_items, n_seen, kSampledNegatives[i], kSampledK);
    quality[kSampledColumn + 2 * i] = static_cast<float>(sampled.hit);
    quality[kSampledColumn + 2 * i + 1] = static_cast<float>(sampled.ndcg);
  }
}

void Measurement::MeasureItemSegments(size_t user, size_t list, List rows) {
  std::array<float, kItemSegments.size()> hits = {};
  std::array<float, kItemSegments.size()> items = {};
  for (const Row row : users_[user].items) {
    ++items[item_segments_.segment[row]];
  }
  for (const Row row : rows) {
    hits[item_segments_.segment[row]] += std::binary_search(
        users_[user].items.begin(), users_[user].items.end(), row);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    by_item_segment_.Of(user)[list * items.size() + i] =
        items[i] > 0 ? hits[i] / items[i] : kUndefined;
  }
}

void Measurement::MeasureWithout(size_t user, Answers* answers) {
  const std::span<float> figures = figures_.Of(user);
  for (size_t s = 0; s < n_sources_; ++s) {
    for (size_t k = 0; k < ks_.size(); ++k) {
      figures[WithoutColumn(s, k)] = figures[MetricColumn(0, k)];
    }
  }
  for (size_t i = 0; i < answers->results.size(); ++i) {
    const auto s = static_cast<size_t>(answers->plan.sources[i].retriever);
    std::vector<ScoredRow> proposals;
    std::swap(proposals, answers->results[i].proposals);
    const auto recall = RecallAt(users_[user], source_.Fuse(*answers), ks_);
    std::swap(proposals, answers->results[i].proposals);
    for (size_t k = 0; k < ks_.size(); ++k) {
      figures[WithoutColumn(s, k)] = static_cast<float>(recall[k]);
    }
  }
}

void Measurement::MeasureQuotas(size_t user, Answers* answers) {
  size_t index = 0;
  if (!IsCurveUser(user, &index)) return;
  const std::span<float> points = quotas_.Of(index);
  std::fill(points.begin(), points.end(), kUndefined);
  const std::vector<uint32_t> targets = TargetsOf(answers->plan);
  const std::array<uint32_t, 2> ks = {list_k_, ks_.back()};
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto s = static_cast<size_t>(answers->plan.sources[i].retriever);
    points[CurvePoint(n_sources_, 0) + s] =
        static_cast<float>(targets[i]) / static_cast<float>(ks_.back());
    for (uint32_t step = 0; step <= kQuotaSteps; ++step) {
      SetShare(i, static_cast<double>(step) / kQuotaSteps, ks_.back(), targets,
               &answers->plan);
      const auto recall = RecallAt(users_[user], source_.Fuse(*answers), ks);
      points[CurvePoint(s, step)] = static_cast<float>(recall[0]);
      points[CurvePoint(s, step) + 1] = static_cast<float>(recall[1]);
    }
  }
}

}  // namespace tributary
