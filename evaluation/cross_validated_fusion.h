#ifndef TRIBUTARY_EVALUATION_CROSS_VALIDATED_FUSION_H_
#define TRIBUTARY_EVALUATION_CROSS_VALIDATED_FUSION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/fit_fusion.h"
#include "evaluation/user_lists.h"
#include "index/bundle/fusion_model.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

// The mean difference of two recalls over users, and its standard error.
struct MeanDifference {
  double mean = 0;
  double standard_error = 0;
};

// The gain of a over b in column j. REQUIRES: the same users.
MeanDifference CompareAt(const Recalls& a, const Recalls& b, size_t j);

// The least gain of a over b in any column, relative to the mean of b there.
double WorstGain(const Recalls& a, const Recalls& b);

// Which sources take part in a fused list, and their weights.
struct SourceWeights {
  std::vector<bool> use;
  // Learned from all users.
  FusionWeights all;
  // Learned, for each fold, from the users outside of it.
  std::array<FusionWeights, 2> without_fold;
  // The factor of the weights of all sources but the lead.
  double shrink = 1;
};

// Measures fused lists on users that the weights were not learned from, by
// two-fold cross-validation: users of even index test the weights of those of
// odd index, and the other way round. Immutable.
class CrossValidatedFusion {
 public:
  // Keeps views of users and sources. `k` is the length of the lists.
  CrossValidatedFusion(std::span<const UserLists> users,
                       std::vector<std::string> source_names, uint32_t k,
                       uint32_t threads);

  size_t n_sources() const { return names_.size(); }
  const std::string& name(size_t s) const { return names_[s]; }
  std::span<const UserLists> users() const { return users_; }
  const FusionExamples& examples() const { return examples_; }
  const std::array<std::vector<size_t>, 2>& folds() const { return folds_; }

  // The prefixes at which recall is measured: columns of all Recalls.
  const std::vector<uint32_t>& ks() const { return ks_; }
  // By user and prefix, the recall of the single source that is best there on
  // average.
  const Recalls& best_alone() const { return best_alone_; }
  // The source that is best at k.
  size_t best_at_k() const { return best_at_k_; }
  // All sources by their own recall at the prefix of 100 (or the last), best
  // first.
  const std::vector<size_t>& priority() const { return priority_; }

  // Learns the weights of the sources in `use`, from `start` on, which may be
  // null.
  SourceWeights Fit(std::vector<bool> use, const FusionWeights* start) const;
  // Learns the weights again without source s.
  SourceWeights Without(const SourceWeights& weights, size_t s) const;

  // The weights as a segment of all users. The lead, whose weight is not
  // shrunk, is the first source in order of priority that takes part.
  v1::FusionSegment Segment(const SourceWeights& sources,
                            const FusionWeights& weights) const;
  // Quotas without shares: the sources that take part, in order of priority.
  QuotaShares NoQuotas(const SourceWeights& sources) const;

  // Recall of each user's fused list, by the weights that were learned without
  // the user's fold.
  Recalls Fused(const SourceWeights& sources, const QuotaShares& quotas) const;
  // Replaces the recalls of the users `members` by those of this model.
  void Fuse(const v1::FusionModel& model, std::span<const size_t> members,
            Recalls* recalls) const;
  // By source, its share of the average list. An item counts for the first
  // source in order of priority that proposed it.
  std::vector<double> SharesOfLists(const SourceWeights& sources) const;

 private:
  void RankSources();

  const std::span<const UserLists> users_;
  const std::vector<std::string> names_;
  const uint32_t k_;
  const uint32_t threads_;
  const std::vector<uint32_t> ks_;
  const FusionExamples examples_;
  std::array<std::vector<size_t>, 2> folds_;
  std::vector<size_t> everyone_;
  std::vector<size_t> priority_;
  Recalls best_alone_;
  size_t best_at_k_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_CROSS_VALIDATED_FUSION_H_
