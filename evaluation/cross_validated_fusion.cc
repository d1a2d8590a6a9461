#include "evaluation/cross_validated_fusion.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "server/fusion/fuse.h"

namespace tributary {
namespace {

// The prefixes at which fused lists are compared with the best source; k is one
// more.
constexpr uint32_t kTunedAt[] = {10, 20, 50, 100, 200, 500};
// The index of 100 in kTunedAt.
constexpr size_t kMiddle = 3;

std::vector<uint32_t> PrefixesUpTo(uint32_t k) {
  std::vector<uint32_t> ks;
  for (const uint32_t prefix : kTunedAt) {
    if (prefix < k) ks.push_back(prefix);
  }
  ks.push_back(k);
  return ks;
}

std::vector<size_t> FirstNumbers(size_t n) {
  std::vector<size_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

MeanDifference CompareAt(const Recalls& a, const Recalls& b, size_t j) {
  const auto n = static_cast<double>(a.size());
  double sum = 0;
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = a[i][j] - b[i][j];
    sum += d;
    squares += d * d;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean) / n)};
}

double WorstGain(const Recalls& a, const Recalls& b) {
  double worst = std::numeric_limits<double>::infinity();
  for (size_t j = 0; j < b.front().size(); ++j) {
    const double gain = CompareAt(a, b, j).mean;
    worst = std::min(worst, gain / std::max(MeanOver(b, j), 1e-9));
  }
  return worst;
}

CrossValidatedFusion::CrossValidatedFusion(
    std::span<const UserLists> users, std::vector<std::string> source_names,
    uint32_t k, uint32_t threads)
    : users_(users),
      names_(std::move(source_names)),
      k_(k),
      threads_(threads),
      ks_(PrefixesUpTo(k)),
      examples_(users, names_.size(), k),
      everyone_(FirstNumbers(users.size())) {
  for (size_t i = 0; i < users.size(); ++i) folds_[i % 2].push_back(i);
  RankSources();
}

void CrossValidatedFusion::RankSources() {
  std::vector<double> alone;
  const size_t middle = std::min(kMiddle, ks_.size() - 1);
  for (size_t s = 0; s < names_.size(); ++s) {
    const Recalls recalls = RecallsAlone(users_, s, ks_);
    alone.push_back(MeanOver(recalls, middle));
    if (s == 0) best_alone_ = recalls;
    for (size_t j = 0; j < ks_.size(); ++j) {
      if (MeanOver(recalls, j) <= MeanOver(best_alone_, j)) continue;
      if (j + 1 == ks_.size()) best_at_k_ = s;
      for (size_t i = 0; i < recalls.size(); ++i) {
        best_alone_[i][j] = recalls[i][j];
      }
    }
  }
  priority_ = FirstNumbers(names_.size());
  std::stable_sort(priority_.begin(), priority_.end(),
                   [&](size_t a, size_t b) { return alone[a] > alone[b]; });
}

SourceWeights CrossValidatedFusion::Fit(std::vector<bool> use,
                                        const FusionWeights* start) const {
  SourceWeights fit;
  fit.use = std::move(use);
  FusionPrior prior;
  if (start != nullptr) prior.weights = *start;
  fit.all = FitFusion(examples_, everyone_, fit.use,
                      start == nullptr ? nullptr : &prior);
  if (start == nullptr) prior.weights = fit.all;
  for (size_t fold = 0; fold < 2; ++fold) {
    const std::vector<size_t>& others = folds_[1 - fold];
    fit.without_fold[fold] =
        others.empty() ? fit.all
                       : FitFusion(examples_, others, fit.use, &prior);
  }
  return fit;
}

SourceWeights CrossValidatedFusion::Without(const SourceWeights& weights,
                                            size_t s) const {
  std::vector<bool> use = weights.use;
  use[s] = false;
  SourceWeights fit = Fit(std::move(use), &weights.all);
  fit.shrink = weights.shrink;
  return fit;
}

v1::FusionSegment CrossValidatedFusion::Segment(
    const SourceWeights& sources, const FusionWeights& weights) const {
  v1::FusionSegment segment;
  segment.set_name("all");
  segment.set_intercept(weights.intercept);
  double factor = 1;
  for (const size_t s : priority_) {
    if (!sources.use[s]) continue;
    (*segment.mutable_weights())[names_[s]] = weights.weights[s] * factor;
    factor = sources.shrink;
  }
  return segment;
}

QuotaShares CrossValidatedFusion::NoQuotas(const SourceWeights& sources) const {
  QuotaShares quotas;
  for (const size_t s : priority_) {
    if (sources.use[s]) quotas.Add()->set_retriever(names_[s]);
  }
  return quotas;
}

Recalls CrossValidatedFusion::Fused(const SourceWeights& sources,
                                    const QuotaShares& quotas) const {
  Recalls recalls(users_.size());
  for (size_t fold = 0; fold < 2; ++fold) {
    v1::FusionModel model;
    *model.add_segments() = Segment(sources, sources.without_fold[fold]);
    *model.mutable_quotas() = quotas;
    Fuse(model, folds_[fold], &recalls);
  }
  return recalls;
}

void CrossValidatedFusion::Fuse(const v1::FusionModel& model,
                                std::span<const size_t> members,
                                Recalls* recalls) const {
  Recalls fused =
      FusedRecalls(users_, members, names_, model, k_, ks_, threads_);
  for (size_t i = 0; i < members.size(); ++i) {
    (*recalls)[members[i]] = std::move(fused[i]);
  }
}

std::vector<double> CrossValidatedFusion::SharesOfLists(
    const SourceWeights& sources) const {
  std::vector<size_t> owners;
  for (const size_t s : priority_) {
    if (sources.use[s]) owners.push_back(s);
  }
  const v1::FusionSegment segment = Segment(sources, sources.all);
  std::vector<double> shares(names_.size(), 0.0);
  FusionResult result;
  for (const UserLists& user : users_) {
    std::vector<FusionSource> proposed;
    for (const size_t s : owners) {
      const std::span<const ScoredRow> list(user.lists[s]);
      proposed.push_back(
          {.proposals = list.first(std::min<size_t>(k_, list.size())),
           .weight = FusionWeight(segment, names_[s])});
    }
    tributary::Fuse(proposed, {.k = k_, .has_model = true}, &result);
    for (const FusedCandidate& candidate : result.candidates) {
      const int first = std::countr_zero(candidate.sources);
      shares[owners[static_cast<size_t>(first)]] += 1.0 / k_;
    }
  }
  for (double& share : shares) share /= static_cast<double>(users_.size());
  return shares;
}

}  // namespace tributary
