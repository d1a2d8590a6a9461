#ifndef TRIBUTARY_EVALUATION_FIT_FUSION_H_
#define TRIBUTARY_EVALUATION_FIT_FUSION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/user_lists.h"

namespace tributary {

// What sources gave for the items they proposed, as numbers to learn from:
// for each item RankValue of its rank in each source, 0 where it was not
// proposed, and whether the user wanted it. Of items that were not wanted a
// fifth is kept, and counts five times.
class FusionExamples {
 public:
  // The lists' first `depth` proposals.
  FusionExamples(std::span<const UserLists> users, size_t n_sources,
                 uint32_t depth);

  size_t n_sources() const { return n_sources_; }
  size_t n_users() const { return first_.size() - 1; }

 private:
  friend class FusionFit;
  struct Example {
    float weight;
    bool wanted;
  };

  size_t n_sources_;
  // The user's first example, and one past the last's.
  std::vector<size_t> first_ = {0};
  std::vector<Example> examples_;
  // [examples, n_sources]
  std::vector<float> values_;
};

// The coefficients of a v1::FusionSegment.
struct FusionWeights {
  std::vector<double> weights;
  double intercept = 0;
};

// Where a fit begins, and whether it is held there.
struct FusionPrior {
  FusionWeights weights;
  // A ridge pulls towards the weights; a few hundred wanted items outweigh it.
  bool pull = false;
};

// Logistic regression of `wanted` with weights of 0 or more, by Newton steps,
// shortened where they would raise the loss, whose quadratic programs are
// solved by coordinate descent (as in Friedman, Hastie, Tibshirani 2010).
// Learns from the users in `users`; sources whose `use` is false have the
// weight 0. `prior` may be null.
FusionWeights FitFusion(const FusionExamples& examples,
                        std::span<const size_t> users,
                        const std::vector<bool>& use, const FusionPrior* prior);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_FIT_FUSION_H_
