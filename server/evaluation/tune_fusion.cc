#include "server/evaluation/tune_fusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "index/bundle/fusion_model.h"
#include "server/evaluation/fit_fusion.h"
#include "server/fusion/fuse.h"

namespace tributary {
namespace {

// A loss of this share of recall is none; one of so many standard errors may be
// chance.
constexpr double kWorthless = 0.0005;
constexpr double kChance = 1;
// What is tried on the weights of all but the best source.
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

std::vector<uint32_t> PrefixesUpTo(uint32_t k) {
  std::vector<uint32_t> ks;
  for (const uint32_t prefix : kTunedAt) {
    if (prefix < k) ks.push_back(prefix);
  }
  ks.push_back(k);
  return ks;
}

struct Difference {
  double mean = 0;
  double standard_error = 0;
};

// Of a over b at ks[j], over users.
Difference Compare(const Recalls& a, const Recalls& b, size_t j) {
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

// The least gain of a over b at any prefix, relative to b.
double WorstGain(const Recalls& a, const Recalls& b) {
  double worst = std::numeric_limits<double>::infinity();
  for (size_t j = 0; j < b.front().size(); ++j) {
    worst =
        std::min(worst, Compare(a, b, j).mean / std::max(MeanOver(b, j), 1e-9));
  }
  return worst;
}

class Tuner {
 public:
  explicit Tuner(const TuneInput& input)
      : input_(input),
        n_(input.sources.size()),
        ks_(PrefixesUpTo(input.k)),
        examples_(input.users, n_, input.k),
        use_(n_, true) {
    for (const TunedSource& source : input.sources) {
      names_.push_back(source.name);
    }
    for (size_t i = 0; i < input.users.size(); ++i) folds_[i % 2].push_back(i);
    RankSources();
  }

  TunedFusion Run() {
    fitted_ = CrossFit(nullptr);
    DropWorthless();
    KeepAboveBest();
    if (shrink_ < 1) DropWorthless();
    TunedFusion tuned;
    AddSegments(&tuned.model);
    AddQuotas(&tuned.model);
    AddContributions(&tuned.model);
    tuned.ks = ks_;
    tuned.recalls = FusedWith(tuned.model.quotas());
    tuned.best_alone = std::move(best_alone_);
    return tuned;
  }

 private:
  // Weights learned from one half of the users, for the other, and from all.
  struct Fits {
    std::array<FusionWeights, 2> without_fold;
    FusionWeights all;
  };

  // Order of priority: by recall alone at about 100.
  void RankSources() {
    std::vector<double> alone;
    const size_t middle = std::min<size_t>(3, ks_.size() - 1);
    for (size_t s = 0; s < n_; ++s) {
      const Recalls recalls = RecallsAlone(input_.users, s, ks_);
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
    priority_.resize(n_);
    std::iota(priority_.begin(), priority_.end(), 0);
    std::stable_sort(priority_.begin(), priority_.end(),
                     [&](size_t a, size_t b) { return alone[a] > alone[b]; });
  }

  Fits CrossFit(const FusionPrior* prior) const {
    Fits fits;
    std::vector<size_t> everyone(input_.users.size());
    std::iota(everyone.begin(), everyone.end(), 0);
    fits.all = FitFusion(examples_, everyone, use_, prior);
    const FusionPrior start{prior != nullptr ? prior->weights : fits.all,
                            prior != nullptr && prior->pull};
    for (size_t fold = 0; fold < 2; ++fold) {
      fits.without_fold[fold] =
          folds_[1 - fold].empty()
              ? fits.all
              : FitFusion(examples_, folds_[1 - fold], use_, &start);
    }
    return fits;
  }

  v1::FusionSegment MakeSegment(const FusionWeights& weights) const {
    v1::FusionSegment segment;
    segment.set_name("all");
    segment.set_intercept(weights.intercept);
    for (size_t s = 0; s < n_; ++s) {
      if (!use_[s]) continue;
      const bool leads = s == priority_.front();
      (*segment.mutable_weights())[names_[s]] =
          weights.weights[s] * (leads ? 1 : shrink_);
    }
    return segment;
  }

  QuotaShares NoQuotas() const {
    QuotaShares quotas;
    for (const size_t s : priority_) {
      if (use_[s]) quotas.Add()->set_retriever(names_[s]);
    }
    return quotas;
  }

  // Each user's fused list, by weights that did not see the user.
  Recalls FusedWith(const QuotaShares& quotas) const {
    Recalls recalls(input_.users.size());
    for (size_t fold = 0; fold < 2; ++fold) {
      v1::FusionModel model;
      *model.add_segments() = MakeSegment(fitted_.without_fold[fold]);
      *model.mutable_quotas() = quotas;
      Fuse(model, folds_[fold], &recalls);
    }
    return recalls;
  }

  // Fused recalls without source s.
  Recalls FusedWithout(size_t s) {
    use_[s] = false;
    const FusionPrior start{fitted_.all};
    const Fits with = std::exchange(fitted_, CrossFit(&start));
    Recalls recalls = FusedWith(NoQuotas());
    fitted_ = with;
    use_[s] = true;
    return recalls;
  }

  // Leaves sources out, the least valuable first, while nothing is lost that is
  // more than chance: each costs a search.
  void DropWorthless() {
    while (std::count(use_.begin(), use_.end(), true) > 1) {
      const Recalls with = FusedWith(NoQuotas());
      double least_loss = std::numeric_limits<double>::infinity();
      size_t worthless = n_;
      for (size_t s = 0; s < n_; ++s) {
        if (!use_[s] || !input_.sources[s].droppable) continue;
        const Recalls without = FusedWithout(s);
        const double loss = -WorstGain(without, with);
        if (loss > least_loss || !IsWorthless(with, without)) continue;
        least_loss = loss;
        worthless = s;
      }
      if (worthless == n_) return;
      use_[worthless] = false;
      const FusionPrior start{fitted_.all};
      fitted_ = CrossFit(&start);
    }
  }

  bool IsWorthless(const Recalls& with, const Recalls& without) const {
    for (size_t j = 0; j < ks_.size(); ++j) {
      const Difference lost = Compare(with, without, j);
      if (lost.mean > std::max(kWorthless * MeanOver(with, j),
                               kChance * lost.standard_error)) {
        return false;
      }
    }
    return true;
  }

  // Lowers the weights of all but the best source: to a third, where the list
  // gains less than the margin at some prefix, and further where it loses.
  // Where every choice loses, the one that loses least.
  void KeepAboveBest() {
    double best_gain = -std::numeric_limits<double>::infinity();
    double best_shrink = 1;
    for (const double shrink : kShrinks) {
      shrink_ = shrink;
      const double gain = WorstGain(FusedWith(NoQuotas()), best_alone_);
      if (gain >= (shrink > kLeastCautious ? kMargin : 0)) return;
      if (gain <= best_gain) continue;
      best_gain = gain;
      best_shrink = shrink;
    }
    shrink_ = best_shrink;
  }

  // The weights of users with other than the usual history.
  void AddSegments(v1::FusionModel* model) {
    AddCold(model);
    std::vector<uint32_t> histories;
    for (const UserLists& user : input_.users) {
      histories.push_back(user.history);
    }
    std::sort(histories.begin(), histories.end());
    const uint32_t median = histories[histories.size() / 2];
    std::array<std::vector<size_t>, 2> halves;
    for (size_t i = 0; i < input_.users.size(); ++i) {
      halves[input_.users[i].history <= median ? 0 : 1].push_back(i);
    }
    if (halves[0].size() >= kMinSegmentUsers &&
        halves[1].size() >= kMinSegmentUsers && SegmentsPay(halves)) {
      AddHalf("light", halves[0], model)->set_max_history(median);
      AddHalf("heavy", halves[1], model);
      return;
    }
    *model->add_segments() = MakeSegment(fitted_.all);
  }

  v1::FusionSegment* AddHalf(const char* name, const std::vector<size_t>& half,
                             v1::FusionModel* model) const {
    const FusionPrior prior{fitted_.all, true};
    v1::FusionSegment* segment = model->add_segments();
    *segment = MakeSegment(FitFusion(examples_, half, use_, &prior));
    segment->set_name(name);
    return segment;
  }

  // Whether weights of their own are better on users they did not see, by more
  // than a standard error of the mean over prefixes.
  bool SegmentsPay(const std::array<std::vector<size_t>, 2>& halves) const {
    const Recalls shared = FusedWith(NoQuotas());
    Recalls own = shared;
    for (const auto& half : halves) {
      for (size_t fold = 0; fold < 2; ++fold) {
        std::vector<size_t> learn;
        std::vector<size_t> test;
        for (const size_t i : half) (i % 2 == fold ? test : learn).push_back(i);
        const FusionPrior prior{fitted_.without_fold[fold], true};
        FuseUsers(FitFusion(examples_, learn, use_, &prior), test, &own);
      }
    }
    Recalls own_means, shared_means;
    for (size_t i = 0; i < own.size(); ++i) {
      own_means.push_back({Mean(own[i])});
      shared_means.push_back({Mean(shared[i])});
    }
    const Difference gain = Compare(own_means, shared_means, 0);
    return gain.mean > gain.standard_error;
  }

  static double Mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) /
           static_cast<double>(values.size());
  }

  void FuseUsers(const FusionWeights& weights,
                 const std::vector<size_t>& members, Recalls* recalls) const {
    v1::FusionModel model;
    *model.add_segments() = MakeSegment(weights);
    *model.mutable_quotas() = NoQuotas();
    Fuse(model, members, recalls);
  }

  void Fuse(const v1::FusionModel& model, const std::vector<size_t>& members,
            Recalls* recalls) const {
    Recalls fused = FusedRecalls(input_.users, members, names_, model, input_.k,
                                 ks_, input_.threads);
    for (size_t i = 0; i < members.size(); ++i) {
      (*recalls)[members[i]] = std::move(fused[i]);
    }
  }

  // Strangers get what the sources propose to anyone; every user of the
  // validation slice serves as one.
  void AddCold(v1::FusionModel* model) const {
    std::vector<bool> use(n_, false);
    for (const UserLists& stranger : input_.strangers) {
      for (size_t s = 0; s < n_; ++s) {
        if (use_[s] && !stranger.lists[s].empty()) use[s] = true;
      }
    }
    if (std::count(use.begin(), use.end(), true) < 2) return;
    const FusionExamples examples(input_.strangers, n_, input_.k);
    std::vector<size_t> everyone(input_.strangers.size());
    std::iota(everyone.begin(), everyone.end(), 0);
    const FusionPrior prior{fitted_.all, true};
    const FusionWeights cold = FitFusion(examples, everyone, use, &prior);
    v1::FusionSegment* segment = model->add_segments();
    segment->set_name("cold");
    segment->set_max_history(0);
    segment->set_intercept(cold.intercept);
    for (size_t s = 0; s < n_; ++s) {
      if (use[s]) (*segment->mutable_weights())[names_[s]] = cold.weights[s];
    }
  }

  // How much of the average list is each source's, counted for the first in
  // order of priority that proposed an item.
  std::vector<double> SharesOfLists() const {
    std::vector<double> shares(n_, 0.0);
    FusionResult result;
    for (const UserLists& user : input_.users) {
      std::vector<FusionSource> sources;
      std::vector<size_t> owners;
      for (const size_t s : priority_) {
        if (!use_[s]) continue;
        const bool leads = s == priority_.front();
        const std::span<const ScoredRow> list(user.lists[s]);
        sources.push_back(
            {.proposals = list.first(std::min<size_t>(input_.k, list.size())),
             .weight = fitted_.all.weights[s] * (leads ? 1 : shrink_)});
        owners.push_back(s);
      }
      tributary::Fuse(sources, {.k = input_.k, .has_model = true}, &result);
      for (const FusedCandidate& candidate : result.candidates) {
        shares[owners[static_cast<size_t>(__builtin_ctz(candidate.sources))]] +=
            1.0 / input_.k;
      }
    }
    for (double& share : shares) {
      share /= static_cast<double>(input_.users.size());
    }
    return shares;
  }

  // What sources contribute anyway, less a part. Where the list of k is then
  // below its best source, that source reserves so much of it, before the
  // others, that it is not: quotas decide what is in the list, weights its
  // order.
  void AddQuotas(v1::FusionModel* model) const {
    const std::vector<double> shares = SharesOfLists();
    QuotaShares best = NoQuotas();
    const Recalls free = FusedWith(best);
    for (const double part : kQuotaShares) {
      const QuotaShares quotas = MakeQuotas(priority_, shares, part);
      if (WorstGain(FusedWith(quotas), free) < -kWorthless) continue;
      best = quotas;
      break;
    }
    double best_gain = WorstGain(FusedWith(best), best_alone_);
    std::vector<size_t> order = priority_;
    std::stable_partition(order.begin(), order.end(),
                          [&](size_t s) { return s == best_at_k_; });
    for (const double reserved : kReservedShares) {
      if (best_gain >= 0 || !use_[best_at_k_]) break;
      std::vector<double> raised = shares;
      for (double& share : raised) share *= 1 - reserved;
      raised[best_at_k_] = reserved;
      const QuotaShares quotas = MakeQuotas(order, raised, 1);
      const double gain = WorstGain(FusedWith(quotas), best_alone_);
      if (gain <= best_gain) continue;
      best_gain = gain;
      best = quotas;
    }
    *model->mutable_quotas() = best;
  }

  QuotaShares MakeQuotas(const std::vector<size_t>& order,
                         const std::vector<double>& shares, double part) const {
    QuotaShares quotas;
    for (const size_t s : order) {
      if (!use_[s]) continue;
      v1::QuotaShare* quota = quotas.Add();
      quota->set_retriever(names_[s]);
      quota->set_share(std::floor(1000 * part * shares[s]) / 1000);
    }
    return quotas;
  }

  void AddContributions(v1::FusionModel* model) {
    const Recalls with = FusedWith(NoQuotas());
    if (std::count(use_.begin(), use_.end(), true) < 2) return;
    for (const size_t s : priority_) {
      if (!use_[s]) continue;
      const Recalls without = FusedWithout(s);
      for (size_t j = 0; j < ks_.size(); ++j) {
        const Difference lost = Compare(with, without, j);
        v1::Contribution* contribution = model->add_contributions();
        contribution->set_retriever(names_[s]);
        contribution->set_k(ks_[j]);
        contribution->set_recall(lost.mean);
        contribution->set_standard_error(lost.standard_error);
      }
    }
  }

  const TuneInput& input_;
  const size_t n_;
  const std::vector<uint32_t> ks_;
  const FusionExamples examples_;
  std::vector<std::string> names_;
  // Every second user.
  std::array<std::vector<size_t>, 2> folds_;
  std::vector<size_t> priority_;
  Recalls best_alone_;
  // Of the sources alone, at k.
  size_t best_at_k_ = 0;
  // Of what is decided so far.
  std::vector<bool> use_;
  Fits fitted_;
  double shrink_ = 1;
};

}  // namespace

TunedFusion TuneFusion(const TuneInput& input) { return Tuner(input).Run(); }

}  // namespace tributary
