#include "evaluation/fit_fusion.h"

#include <algorithm>
#include <cmath>

#include "server/fusion/candidate_pool.h"

namespace tributary {
namespace {

constexpr uint32_t kKeepOneIn = 5;
constexpr int kNewtonSteps = 30;
// A step that would raise the loss is shortened to no less than this of it.
constexpr double kLeastShare = 1e-4;
constexpr int kDescentSweeps = 500;
// Few proposals are wanted.
constexpr double kFirstIntercept = -5;
// Pulls weights to 0, in examples: enough to make the answer unique.
constexpr double kRidge = 1;
// A segment's own examples have to outweigh so many wanted ones.
constexpr double kPriorRidge = 200;

double Logistic(double z) { return 1 / (1 + std::exp(-z)); }

// ln(1 + e^z)
double Softplus(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

}  // namespace

FusionExamples::FusionExamples(std::span<const UserLists> users,
                               size_t n_sources, uint32_t depth)
    : n_sources_(n_sources) {
  CandidatePool pool;
  std::vector<FusionSource> sources(n_sources);
  std::vector<float> values;
  // Every fifth of all, not of each user's: users may have few.
  uint32_t unwanted = 0;
  for (const UserLists& lists : users) {
    for (size_t s = 0; s < n_sources; ++s) {
      const std::span<const ScoredRow> list(lists.lists[s]);
      sources[s].proposals = list.first(std::min<size_t>(depth, list.size()));
    }
    pool.Merge(sources);
    values.assign(pool.entries().size() * n_sources, 0);
    for (size_t s = 0; s < n_sources; ++s) {
      for (size_t rank = 0; rank < sources[s].proposals.size(); ++rank) {
        const auto place =
            static_cast<size_t>(&pool.At(s, rank) - pool.entries().data());
        values[place * n_sources + s] = static_cast<float>(RankValue(rank));
      }
    }
    const auto& items = lists.user->items;
    for (size_t i = 0; i < pool.entries().size(); ++i) {
      const bool wanted =
          std::binary_search(items.begin(), items.end(), pool.entries()[i].row);
      if (!wanted && ++unwanted % kKeepOneIn != 0) continue;
      examples_.push_back({wanted ? 1.0F : kKeepOneIn, wanted});
      const auto first = values.begin() + static_cast<ptrdiff_t>(i * n_sources);
      values_.insert(values_.end(), first,
                     first + static_cast<ptrdiff_t>(n_sources));
    }
    first_.push_back(examples_.size());
  }
}

// One fit. Coefficient n_sources() is the intercept.
class FusionFit {
 public:
  FusionFit(const FusionExamples& examples, std::span<const size_t> users,
            const std::vector<bool>& use, const FusionPrior* prior)
      : examples_(examples),
        users_(users),
        use_(use),
        n_(examples.n_sources() + 1),
        ridge_(prior != nullptr && prior->pull ? kPriorRidge : kRidge),
        center_(n_, 0.0),
        at_(n_, 0.0) {
    at_.back() = kFirstIntercept;
    if (prior == nullptr) return;
    at_.back() = prior->weights.intercept;
    for (size_t a = 0; a + 1 < n_; ++a) {
      if (use_[a]) at_[a] = prior->weights.weights[a];
      if (use_[a] && prior->pull) center_[a] = at_[a];
    }
  }

  FusionWeights Run() {
    Differentiate();
    for (int step = 0; step < kNewtonSteps; ++step) {
      const std::vector<double> delta = NewtonStep();
      const bool arrived =
          std::all_of(delta.begin(), delta.end(),
                      [](double d) { return std::abs(d) < 1e-6; });
      if (arrived) break;
      Move(delta);
    }
    return {{at_.begin(), at_.end() - 1}, at_.back()};
  }

 private:
  // Goes along delta as far as the loss does not rise: where sources tell
  // wanted items well, a whole step leads to where the logistic is flat.
  void Move(const std::vector<double>& delta) {
    const std::vector<double> from = at_;
    const double most = loss_ * (1 + 1e-12);
    for (double share = 1; share >= kLeastShare; share /= 2) {
      for (size_t a = 0; a < n_; ++a) at_[a] = from[a] + share * delta[a];
      Differentiate();
      if (loss_ <= most) return;
    }
  }

  // Loss (the negative log-likelihood and the ridge), gradient and Hessian at
  // at_.
  void Differentiate() {
    loss_ = 0;
    gradient_.assign(n_, 0.0);
    hessian_.assign(n_ * n_, 0.0);
    for (const size_t user : users_) {
      for (size_t i = examples_.first_[user]; i < examples_.first_[user + 1];
           ++i) {
        AddExample(i);
      }
    }
    for (size_t a = 0; a < n_; ++a) {
      for (size_t b = 0; b < a; ++b) {
        hessian_[b * n_ + a] = hessian_[a * n_ + b];
      }
    }
    for (size_t a = 0; a + 1 < n_; ++a) {
      const double off = at_[a] - center_[a];
      loss_ += ridge_ / 2 * off * off;
      gradient_[a] += ridge_ * off;
      hessian_[a * n_ + a] += ridge_;
    }
    hessian_.back() += 1e-6;
  }

  void AddExample(size_t i) {
    const float* x = &examples_.values_[i * (n_ - 1)];
    double z = at_.back();
    for (size_t a = 0; a + 1 < n_; ++a) z += at_[a] * x[a];
    const auto& example = examples_.examples_[i];
    const double p = Logistic(z);
    loss_ += example.weight * (Softplus(z) - (example.wanted ? z : 0));
    const double slope = example.weight * (p - (example.wanted ? 1 : 0));
    const double curve = example.weight * std::max(p * (1 - p), 1e-9);
    const auto value = [&](size_t a) {
      return a + 1 < n_ ? static_cast<double>(x[a]) : 1.0;
    };
    for (size_t a = 0; a < n_; ++a) {
      gradient_[a] += slope * value(a);
      const double curve_a = curve * value(a);
      if (curve_a == 0) continue;
      for (size_t b = 0; b <= a; ++b) {
        hessian_[a * n_ + b] += curve_a * value(b);
      }
    }
  }

  // To the minimum of the quadratic model within the bounds.
  std::vector<double> NewtonStep() const {
    std::vector<double> delta(n_, 0.0);
    for (int sweep = 0; sweep < kDescentSweeps; ++sweep) {
      double moved = 0;
      for (size_t a = 0; a < n_; ++a) {
        if (a + 1 < n_ && !use_[a]) continue;
        double slope = gradient_[a];
        for (size_t b = 0; b < n_; ++b) {
          slope += hessian_[a * n_ + b] * delta[b];
        }
        double next = delta[a] - slope / hessian_[a * n_ + a];
        if (a + 1 < n_) next = std::max(next, -at_[a]);
        moved = std::max(moved, std::abs(next - delta[a]));
        delta[a] = next;
      }
      if (moved < 1e-9) break;
    }
    return delta;
  }

  const FusionExamples& examples_;
  const std::span<const size_t> users_;
  const std::vector<bool>& use_;
  const size_t n_;
  const double ridge_;
  std::vector<double> center_;
  std::vector<double> at_;
  // At at_.
  double loss_ = 0;
  std::vector<double> gradient_;
  std::vector<double> hessian_;
};

FusionWeights FitFusion(const FusionExamples& examples,
                        std::span<const size_t> users,
                        const std::vector<bool>& use,
                        const FusionPrior* prior) {
  return FusionFit(examples, users, use, prior).Run();
}

}  // namespace tributary
