#include "evaluation/tune_fusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "evaluation/cross_validated_fusion.h"
#include "evaluation/fit_fusion.h"

namespace tributary {
namespace {

// Relative recall losses below this are negligible.
constexpr double kWorthless = 0.0005;
// A loss below this many standard errors may be chance.
constexpr double kChance = 1;
// Candidate factors for the weights of all sources but the lead.
constexpr double kShrinks[] = {1, .7, .5, .35, .2, .1, .05, 0};
// The final model trains on all data, which helps the strongest source most;
// the weights learned here would then give the others too much. The fused list
// must therefore beat the best source by this margin. (Without it, on synthetic
// data, a gain of .7% became a loss of .6% in the final bundle.)
constexpr double kMargin = .01;
// Factors up to this one need no margin: they already favour the lead.
constexpr double kLeastCautious = .35;
// Candidate quotas, as a share of what each source contributes without quotas.
constexpr double kQuotaShares[] = {.8, .5, .25};
// Candidate shares of the list that are reserved for the best source.
constexpr double kReservedShares[] = {.7, .8, .9, .95, 1};
// A segment of fewer users is not learned.
constexpr size_t kMinSegmentUsers = 200;

// Indices of users: those with light and with heavy histories.
using Halves = std::array<std::vector<size_t>, 2>;

std::vector<std::string> NamesOf(std::span<const TunedSource> sources) {
  std::vector<std::string> names;
  for (const TunedSource& source : sources) names.push_back(source.name);
  return names;
}

Recalls MeansOverPrefixes(const Recalls& recalls) {
  Recalls means;
  for (const std::vector<double>& of_user : recalls) {
    const double sum = std::accumulate(of_user.begin(), of_user.end(), 0.0);
    means.push_back({sum / static_cast<double>(of_user.size())});
  }
  return means;
}

// Decides one thing after another, each on the result of the decisions before:
//
//   1. Weights of all sources, by logistic regression.
//   2. Backward elimination: while there is a source without which recall drops
//      at no prefix by more than chance, drop the one that loses least, and
//      learn the weights again.
//   3. Shrinking: multiply the weights of all sources but the lead by the first
//      factor of kShrinks with which the fused list is at least as good as the
//      best single source at every prefix.
//   4. Segments: weights of their own for cold users, and for users with light
//      and heavy histories where a cross-validated comparison says they pay.
//   5. Quotas: what each source contributes anyway, less a part.
//
// Everything is compared on users that the weights were not learned from: see
// CrossValidatedFusion. The idea of weights per rank rather than per score is
// that of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009),
// with the weights learned.
class Tuner {
 public:
  explicit Tuner(const TuneInput& input)
      : input_(input),
        validated_(input.users, NamesOf(input.sources), input.k, input.threads),
        chosen_(validated_.Fit(std::vector<bool>(input.sources.size(), true),
                               nullptr)) {}

  TunedFusion Run() {
    DropWorthless();
    KeepAboveBest();
    if (chosen_.shrink < 1) DropWorthless();
    TunedFusion tuned;
    AddCold(&tuned.model);
    AddSegments(&tuned.model);
    AddQuotas(&tuned.model);
    AddContributions(&tuned.model);
    tuned.ks = validated_.ks();
    tuned.recalls = validated_.Fused(chosen_, tuned.model.quotas());
    tuned.best_alone = validated_.best_alone();
    return tuned;
  }

 private:
  // Recalls of the lists that these weights make without quotas.
  Recalls Filled(const SourceWeights& weights) const {
    return validated_.Fused(weights, validated_.NoQuotas(weights));
  }

  size_t CountUsed() const {
    return static_cast<size_t>(
        std::count(chosen_.use.begin(), chosen_.use.end(), true));
  }

  // Drops sources, the least valuable first, while the loss is within chance:
  // every source costs a search per request.
  void DropWorthless() {
    while (CountUsed() > 1) {
      const Recalls with = Filled(chosen_);
      double least_loss = std::numeric_limits<double>::infinity();
      SourceWeights best;
      for (size_t s = 0; s < input_.sources.size(); ++s) {
        if (!chosen_.use[s] || !input_.sources[s].droppable) continue;
        SourceWeights fewer = validated_.Without(chosen_, s);
        const Recalls without = Filled(fewer);
        const double loss = -WorstGain(without, with);
        if (loss > least_loss || !IsWorthless(with, without)) continue;
        least_loss = loss;
        best = std::move(fewer);
      }
      if (best.use.empty()) return;
      chosen_ = std::move(best);
    }
  }

  // Whether the lists without a source lose no recall at any prefix, beyond
  // what is negligible or chance.
  bool IsWorthless(const Recalls& with, const Recalls& without) const {
    for (size_t j = 0; j < validated_.ks().size(); ++j) {
      const MeanDifference lost = CompareAt(with, without, j);
      if (lost.mean > std::max(kWorthless * MeanOver(with, j),
                               kChance * lost.standard_error)) {
        return false;
      }
    }
    return true;
  }

  // Lowers the weights of all sources but the lead: to about a third while the
  // gain at some prefix is below the margin, and further while there is a loss.
  // Takes the factor that loses least where every factor loses.
  void KeepAboveBest() {
    double best_gain = -std::numeric_limits<double>::infinity();
    double best_shrink = 1;
    for (const double shrink : kShrinks) {
      chosen_.shrink = shrink;
      const double gain = WorstGain(Filled(chosen_), validated_.best_alone());
      if (gain >= (shrink > kLeastCautious ? kMargin : 0)) return;
      if (gain <= best_gain) continue;
      best_gain = gain;
      best_shrink = shrink;
    }
    chosen_.shrink = best_shrink;
  }

  // Adds the segment of cold users, learned from what the sources propose to
  // users they do not know. Every user of the validation slice serves as one.
  void AddCold(v1::FusionModel* model) const {
    const size_t n = input_.sources.size();
    std::vector<bool> use(n, false);
    for (const UserLists& cold_user : input_.cold_users) {
      for (size_t s = 0; s < n; ++s) {
        if (chosen_.use[s] && !cold_user.lists[s].empty()) use[s] = true;
      }
    }
    if (std::count(use.begin(), use.end(), true) < 2) return;
    const FusionExamples examples(input_.cold_users, n, input_.k);
    std::vector<size_t> everyone(input_.cold_users.size());
    std::iota(everyone.begin(), everyone.end(), 0);
    const FusionPrior prior{chosen_.all, true};
    const FusionWeights cold = FitFusion(examples, everyone, use, &prior);
    v1::FusionSegment* segment = model->add_segments();
    segment->set_name("cold");
    segment->set_max_history(0);
    segment->set_intercept(cold.intercept);
    for (size_t s = 0; s < n; ++s) {
      if (!use[s]) continue;
      (*segment->mutable_weights())[validated_.name(s)] = cold.weights[s];
    }
  }

  // Adds the segments of users with a history: one or two.
  void AddSegments(v1::FusionModel* model) const {
    std::vector<uint32_t> histories;
    for (const UserLists& user : input_.users) {
      histories.push_back(user.history);
    }
    std::sort(histories.begin(), histories.end());
    const uint32_t median = histories[(histories.size() - 1) / 2];
    Halves halves;
    for (size_t i = 0; i < input_.users.size(); ++i) {
      halves[input_.users[i].history <= median ? 0 : 1].push_back(i);
    }
    // At a median of 0, "light" users would be those of the segment "cold".
    if (median > 0 && halves[0].size() >= kMinSegmentUsers &&
        halves[1].size() >= kMinSegmentUsers && HalvesPay(halves)) {
      AddHalf("light", halves[0], model)->set_max_history(median);
      AddHalf("heavy", halves[1], model);
      return;
    }
    *model->add_segments() = validated_.Segment(chosen_, chosen_.all);
  }

  v1::FusionSegment* AddHalf(const char* name, const std::vector<size_t>& half,
                             v1::FusionModel* model) const {
    v1::FusionSegment* segment = model->add_segments();
    *segment = OwnSegment(half, chosen_.all);
    segment->set_name(name);
    return segment;
  }

  // Weights learned from these users, with a ridge towards the shared weights.
  v1::FusionSegment OwnSegment(const std::vector<size_t>& users,
                               const FusionWeights& shared) const {
    const FusionPrior prior{shared, true};
    return validated_.Segment(
        chosen_, FitFusion(validated_.examples(), users, chosen_.use, &prior));
  }

  // Whether weights per half have higher recall on users that they were not
  // learned from, by more than one standard error of the mean over prefixes.
  bool HalvesPay(const Halves& halves) const {
    const Recalls shared = Filled(chosen_);
    Recalls own = shared;
    for (const auto& half : halves) {
      for (size_t fold = 0; fold < 2; ++fold) {
        std::vector<size_t> learn;
        std::vector<size_t> test;
        for (const size_t i : half) (i % 2 == fold ? test : learn).push_back(i);
        v1::FusionModel model;
        *model.add_segments() = OwnSegment(learn, chosen_.without_fold[fold]);
        *model.mutable_quotas() = validated_.NoQuotas(chosen_);
        validated_.Fuse(model, test, &own);
      }
    }
    const MeanDifference gain =
        CompareAt(MeansOverPrefixes(own), MeansOverPrefixes(shared), 0);
    return gain.mean > gain.standard_error;
  }

  // Adds quotas: a part of what each source contributes without any. Where the
  // list of k is still worse than its best source, that source reserves a
  // larger share, before the others: quotas decide what is in the list, weights
  // its order.
  void AddQuotas(v1::FusionModel* model) const {
    const std::vector<double> shares = validated_.SharesOfLists(chosen_);
    QuotaShares best = validated_.NoQuotas(chosen_);
    const Recalls free = validated_.Fused(chosen_, best);
    for (const double part : kQuotaShares) {
      const QuotaShares quotas =
          MakeQuotas(validated_.priority(), shares, part);
      if (WorstGain(validated_.Fused(chosen_, quotas), free) < -kWorthless) {
        continue;
      }
      best = quotas;
      break;
    }
    ReserveForBest(shares, &best);
    *model->mutable_quotas() = best;
  }

  void ReserveForBest(const std::vector<double>& shares,
                      QuotaShares* best) const {
    const size_t best_at_k = validated_.best_at_k();
    double best_gain =
        WorstGain(validated_.Fused(chosen_, *best), validated_.best_alone());
    std::vector<size_t> order = validated_.priority();
    std::stable_partition(order.begin(), order.end(),
                          [&](size_t s) { return s == best_at_k; });
    for (const double reserved : kReservedShares) {
      if (best_gain >= 0 || !chosen_.use[best_at_k]) break;
      std::vector<double> raised = shares;
      for (double& share : raised) share *= 1 - reserved;
      raised[best_at_k] = reserved;
      const QuotaShares quotas = MakeQuotas(order, raised, 1);
      const double gain =
          WorstGain(validated_.Fused(chosen_, quotas), validated_.best_alone());
      if (gain <= best_gain) continue;
      best_gain = gain;
      *best = quotas;
    }
  }

  QuotaShares MakeQuotas(const std::vector<size_t>& order,
                         const std::vector<double>& shares, double part) const {
    QuotaShares quotas;
    for (const size_t s : order) {
      if (!chosen_.use[s]) continue;
      v1::QuotaShare* quota = quotas.Add();
      quota->set_retriever(validated_.name(s));
      quota->set_share(std::floor(1000 * part * shares[s]) / 1000);
    }
    return quotas;
  }

  void AddContributions(v1::FusionModel* model) const {
    if (CountUsed() < 2) return;
    const Recalls with = Filled(chosen_);
    for (const size_t s : validated_.priority()) {
      if (!chosen_.use[s]) continue;
      const Recalls without = Filled(validated_.Without(chosen_, s));
      for (size_t j = 0; j < validated_.ks().size(); ++j) {
        const MeanDifference lost = CompareAt(with, without, j);
        v1::Contribution* contribution = model->add_contributions();
        contribution->set_retriever(validated_.name(s));
        contribution->set_k(validated_.ks()[j]);
        contribution->set_recall(lost.mean);
        contribution->set_standard_error(lost.standard_error);
      }
    }
  }

  const TuneInput& input_;
  const CrossValidatedFusion validated_;
  // The decisions so far.
  SourceWeights chosen_;
};

}  // namespace

TunedFusion TuneFusion(const TuneInput& input) { return Tuner(input).Run(); }

}  // namespace tributary
