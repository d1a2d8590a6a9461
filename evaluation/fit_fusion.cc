#include "evaluation/fit_fusion.h"

#include <algorithm>
#include <cmath>

#include "server/fusion/candidate_pool.h"

namespace tributary {
namespace {

constexpr uint32_t kKeepOneIn = 5;
constexpr int kNewtonSteps = 30;
// A Newton step that would raise the loss is halved down to this share of it.
constexpr double kLeastShare = 1e-4;
constexpr int kDescentSweeps = 500;
// The first intercept: few proposals are positive examples.
constexpr double kFirstIntercept = -5;
// The ridge towards 0, in examples: enough to make the answer unique.
constexpr double kRidge = 1;
// The ridge towards a prior, in positive examples: a segment with fewer of its
// own keeps about the weights of the prior.
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
  // Every fifth over all users, not of each user, who may have few.
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

// One fit: minimises over w >= 0 and the intercept c
//
//   sum_i m_i [ln(1 + exp(z_i)) - y_i z_i] + r/2 |w - w0|^2,  z_i = w x_i + c
//
// where y_i is 1 for a held-out item and 0 else, m_i the weight of example i, r
// the ridge and w0 the prior or 0. Weights are not negative because a proposal
// is never evidence against an item; without the bound, correlated sources get
// weights of opposite signs that do not generalise.
//
// Each Newton step minimises the quadratic model of the loss at the current
// point within the bounds, by coordinate descent on its gradient and Hessian
// (as in glmnet: Friedman, Hastie and Tibshirani, "Regularization Paths for
// Generalized Linear Models via Coordinate Descent", 2010). There are tens of
// sources at most, so that the Hessian is small and the examples are read once
// a step. Coefficient n_sources() is the intercept.
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
  // Takes the largest of the steps delta, delta / 2, delta / 4, ... that does
  // not raise the loss: where sources separate the examples well, a whole step
  // ends where the logistic is flat.
  void Move(const std::vector<double>& delta) {
    const std::vector<double> from = at_;
    const double most = loss_ * (1 + 1e-12);
    for (double share = 1; share >= kLeastShare; share /= 2) {
      for (size_t a = 0; a < n_; ++a) at_[a] = from[a] + share * delta[a];
      Differentiate();
      if (loss_ <= most) return;
    }
  }

  // Computes the loss (negative log-likelihood plus ridge), its gradient and
  // its Hessian at the coefficients at_.
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

  // The step to the minimum of the quadratic model within the bounds.
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
  // The derivatives at at_.
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
