#ifndef TRIBUTARY_EVALUATION_FUSION_TRIAL_H_
#define TRIBUTARY_EVALUATION_FUSION_TRIAL_H_

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

// A mean over users, and its standard error.
struct MeanDifference {
  double mean = 0;
  double standard_error = 0;
};

// Of a over b in column j. REQUIRES: the same users.
MeanDifference CompareAt(const Recalls& a, const Recalls& b, size_t j);

// The least gain of a over b in any column, relative to b.
double WorstGain(const Recalls& a, const Recalls& b);

// Which sources take part in a fused list, and what they weigh.
struct SourceWeights {
  std::vector<bool> use;
  // Learned from all users; and for each fold from the users outside of it.
  FusionWeights all;
  std::array<FusionWeights, 2> without_fold;
  // What the weights of all sources but the lead are multiplied by.
  double shrink = 1;
};

// What merged lists are worth to users that their weights were not learned
// from: every second user is the other half's test (two folds). Immutable.
class FusionTrial {
 public:
  // Keeps views of users and sources. `k` is the length of the lists.
  FusionTrial(std::span<const UserLists> users,
              std::vector<std::string> source_names, uint32_t k,
              uint32_t threads);

  size_t n_sources() const { return names_.size(); }
  const std::string& name(size_t s) const { return names_[s]; }
  std::span<const UserLists> users() const { return users_; }
  const FusionExamples& examples() const { return examples_; }
  const std::array<std::vector<size_t>, 2>& folds() const { return folds_; }

  // The prefixes at which recall is measured: columns of all Recalls.
  const std::vector<uint32_t>& ks() const { return ks_; }
  // By prefix, that of the source which is best there alone; and that source
  // at k.
  const Recalls& best_alone() const { return best_alone_; }
  size_t best_at_k() const { return best_at_k_; }
  // All sources, by recall alone at about 100, best first.
  const std::vector<size_t>& priority() const { return priority_; }

  // Weights of the sources in `use`. `start` may be null.
  SourceWeights Fit(std::vector<bool> use, const FusionWeights* start) const;
  // The same but for source s, learned again without it.
  SourceWeights Without(const SourceWeights& weights, size_t s) const;

  // As a segment of everyone. The lead, whose weight is not shrunk, is the
  // first source in order of priority that takes part.
  v1::FusionSegment Segment(const SourceWeights& sources,
                            const FusionWeights& weights) const;
  // The sources that take part, in order of priority, without shares.
  QuotaShares NoQuotas(const SourceWeights& sources) const;

  // Recalls of each user's list by the weights without the user's fold.
  Recalls Fused(const SourceWeights& sources, const QuotaShares& quotas) const;
  // Replaces the recalls of some users by those with this model.
  void Fuse(const v1::FusionModel& model, std::span<const size_t> members,
            Recalls* recalls) const;
  // How much of the average list is each source's, counted for the first in
  // order of priority that proposed an item.
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

#endif  // TRIBUTARY_EVALUATION_FUSION_TRIAL_H_
