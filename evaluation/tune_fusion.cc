#include "evaluation/tune_fusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "evaluation/fit_fusion.h"
#include "evaluation/fusion_trial.h"

namespace tributary {
namespace {

// A loss of this share of recall is none; one of so many standard errors may be
// chance.
constexpr double kWorthless = 0.0005;
constexpr double kChance = 1;
// What is tried on the weights of all sources but the lead.
constexpr double kShrinks[] = {1, .7, .5, .35, .2, .1, .05, 0};
// Sources made from all the interactions are better than the trial's, and the
// best gains most by them: others then weigh too much. On synthetic data that
// turned a gain of .7% into a loss of .6%.
constexpr double kMargin = .01;
constexpr double kLeastCautious = .35;
// Quotas are this share of what sources contribute unasked.
constexpr double kQuotaShares[] = {.8, .5, .25};
constexpr double kReservedShares[] = {.7, .8, .9, .95, 1};
// Fewer users do not make a segment.
constexpr size_t kMinSegmentUsers = 200;

// Places of users.
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

class Tuner {
 public:
  explicit Tuner(const TuneInput& input)
      : input_(input),
        trial_(input.users, NamesOf(input.sources), input.k, input.threads),
        chosen_(trial_.Fit(std::vector<bool>(input.sources.size(), true),
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
    tuned.ks = trial_.ks();
    tuned.recalls = trial_.Fused(chosen_, tuned.model.quotas());
    tuned.best_alone = trial_.best_alone();
    return tuned;
  }

 private:
  // The lists of sources and weights, filled without quotas.
  Recalls Filled(const SourceWeights& weights) const {
    return trial_.Fused(weights, trial_.NoQuotas(weights));
  }

  size_t CountUsed() const {
    return static_cast<size_t>(
        std::count(chosen_.use.begin(), chosen_.use.end(), true));
  }

  // Leaves sources out, the least valuable first, while nothing is lost that is
  // more than chance: each costs a search.
  void DropWorthless() {
    while (CountUsed() > 1) {
      const Recalls with = Filled(chosen_);
      double least_loss = std::numeric_limits<double>::infinity();
      SourceWeights best;
      for (size_t s = 0; s < input_.sources.size(); ++s) {
        if (!chosen_.use[s] || !input_.sources[s].droppable) continue;
        SourceWeights fewer = trial_.Without(chosen_, s);
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

  // Whether the lists without a source lose nothing at any prefix.
  bool IsWorthless(const Recalls& with, const Recalls& without) const {
    for (size_t j = 0; j < trial_.ks().size(); ++j) {
      const MeanDifference lost = CompareAt(with, without, j);
      if (lost.mean > std::max(kWorthless * MeanOver(with, j),
                               kChance * lost.standard_error)) {
        return false;
      }
    }
    return true;
  }

  // Lowers the weights of all sources but the lead: to a third, where the list
  // gains less than the margin at some prefix, and further where it loses.
  // Where every choice loses, the one that loses least.
  void KeepAboveBest() {
    double best_gain = -std::numeric_limits<double>::infinity();
    double best_shrink = 1;
    for (const double shrink : kShrinks) {
      chosen_.shrink = shrink;
      const double gain = WorstGain(Filled(chosen_), trial_.best_alone());
      if (gain >= (shrink > kLeastCautious ? kMargin : 0)) return;
      if (gain <= best_gain) continue;
      best_gain = gain;
      best_shrink = shrink;
    }
    chosen_.shrink = best_shrink;
  }

  // Strangers get what the sources propose to anyone; every user of the
  // validation slice serves as one.
  void AddCold(v1::FusionModel* model) const {
    const size_t n = input_.sources.size();
    std::vector<bool> use(n, false);
    for (const UserLists& stranger : input_.strangers) {
      for (size_t s = 0; s < n; ++s) {
        if (chosen_.use[s] && !stranger.lists[s].empty()) use[s] = true;
      }
    }
    if (std::count(use.begin(), use.end(), true) < 2) return;
    const FusionExamples examples(input_.strangers, n, input_.k);
    std::vector<size_t> everyone(input_.strangers.size());
    std::iota(everyone.begin(), everyone.end(), 0);
    const FusionPrior prior{chosen_.all, true};
    const FusionWeights cold = FitFusion(examples, everyone, use, &prior);
    v1::FusionSegment* segment = model->add_segments();
    segment->set_name("cold");
    segment->set_max_history(0);
    segment->set_intercept(cold.intercept);
    for (size_t s = 0; s < n; ++s) {
      if (!use[s]) continue;
      (*segment->mutable_weights())[trial_.name(s)] = cold.weights[s];
    }
  }

  // The weights of users with a history: of one segment or of two.
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
    // Users without a history are "cold".
    if (median > 0 && halves[0].size() >= kMinSegmentUsers &&
        halves[1].size() >= kMinSegmentUsers && HalvesPay(halves)) {
      AddHalf("light", halves[0], model)->set_max_history(median);
      AddHalf("heavy", halves[1], model);
      return;
    }
    *model->add_segments() = trial_.Segment(chosen_, chosen_.all);
  }

  v1::FusionSegment* AddHalf(const char* name, const std::vector<size_t>& half,
                             v1::FusionModel* model) const {
    v1::FusionSegment* segment = model->add_segments();
    *segment = OwnSegment(half, chosen_.all);
    segment->set_name(name);
    return segment;
  }

  // Learned from these users, held to what all others taught.
  v1::FusionSegment OwnSegment(const std::vector<size_t>& users,
                               const FusionWeights& shared) const {
    const FusionPrior prior{shared, true};
    return trial_.Segment(
        chosen_, FitFusion(trial_.examples(), users, chosen_.use, &prior));
  }

  // Whether weights of their own are better on users they did not see, by more
  // than a standard error of the mean over prefixes.
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
        *model.mutable_quotas() = trial_.NoQuotas(chosen_);
        trial_.Fuse(model, test, &own);
      }
    }
    const MeanDifference gain =
        CompareAt(MeansOverPrefixes(own), MeansOverPrefixes(shared), 0);
    return gain.mean > gain.standard_error;
  }

  // What sources contribute anyway, less a part. Where the list of k is then
  // below its best source, that source reserves so much of it, before the
  // others, that it is not: quotas decide what is in the list, weights its
  // order.
  void AddQuotas(v1::FusionModel* model) const {
    const std::vector<double> shares = trial_.SharesOfLists(chosen_);
    QuotaShares best = trial_.NoQuotas(chosen_);
    const Recalls free = trial_.Fused(chosen_, best);
    for (const double part : kQuotaShares) {
      const QuotaShares quotas = MakeQuotas(trial_.priority(), shares, part);
      if (WorstGain(trial_.Fused(chosen_, quotas), free) < -kWorthless) {
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
    const size_t best_at_k = trial_.best_at_k();
    double best_gain =
        WorstGain(trial_.Fused(chosen_, *best), trial_.best_alone());
    std::vector<size_t> order = trial_.priority();
    std::stable_partition(order.begin(), order.end(),
                          [&](size_t s) { return s == best_at_k; });
    for (const double reserved : kReservedShares) {
      if (best_gain >= 0 || !chosen_.use[best_at_k]) break;
      std::vector<double> raised = shares;
      for (double& share : raised) share *= 1 - reserved;
      raised[best_at_k] = reserved;
      const QuotaShares quotas = MakeQuotas(order, raised, 1);
      const double gain =
          WorstGain(trial_.Fused(chosen_, quotas), trial_.best_alone());
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
      quota->set_retriever(trial_.name(s));
      quota->set_share(std::floor(1000 * part * shares[s]) / 1000);
    }
    return quotas;
  }

  void AddContributions(v1::FusionModel* model) const {
    if (CountUsed() < 2) return;
    const Recalls with = Filled(chosen_);
    for (const size_t s : trial_.priority()) {
      if (!chosen_.use[s]) continue;
      const Recalls without = Filled(trial_.Without(chosen_, s));
      for (size_t j = 0; j < trial_.ks().size(); ++j) {
        const MeanDifference lost = CompareAt(with, without, j);
        v1::Contribution* contribution = model->add_contributions();
        contribution->set_retriever(trial_.name(s));
        contribution->set_k(trial_.ks()[j]);
        contribution->set_recall(lost.mean);
        contribution->set_standard_error(lost.standard_error);
      }
    }
  }

  const TuneInput& input_;
  const FusionTrial trial_;
  // What is decided so far.
  SourceWeights chosen_;
};

}  // namespace

TunedFusion TuneFusion(const TuneInput& input) { return Tuner(input).Run(); }

}  // namespace tributary
