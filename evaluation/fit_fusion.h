#ifndef TRIBUTARY_EVALUATION_FIT_FUSION_H_
#define TRIBUTARY_EVALUATION_FIT_FUSION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/user_lists.h"

namespace tributary {

// The training examples of a fusion model. An example is an item that some
// source proposed to a user: its features are RankValue of its rank in each
// source (0 where the source did not propose it), its label is whether it is
// one of the user's held-out items. One in five of the negative examples is
// kept, with a weight of five.
class FusionExamples {
 public:
  // Uses the first `depth` proposals of every list.
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
  // The examples of user u are first_[u] to first_[u + 1] - 1.
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

// Where a fit begins, and whether it is pulled back there.
struct FusionPrior {
  FusionWeights weights;
  // A ridge penalty pulls towards `weights`; the examples of a few hundred
  // held-out items outweigh it.
  bool pull = false;
};

// Logistic regression of "the user wants it" on the features of the examples of
// the users `users`, with weights of 0 or more. Sources whose `use` is false
// have the weight 0. `prior` may be null. See FusionFit in fit_fusion.cc.
FusionWeights FitFusion(const FusionExamples& examples,
                        std::span<const size_t> users,
                        const std::vector<bool>& use, const FusionPrior* prior);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_FIT_FUSION_H_
