#ifndef TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "category_popularity": what is popular in the categories of the user's
// history (what the bundle has stored, and after it what came with the
// request). An item of the history weighs (1 + rank)^-decay, rank 0 being the
// newest, shared evenly by its categories; the 16 categories of the largest
// shares count. A candidate's score is the sum over them of share times the
// score in the category's list, of each of which as much is read as is asked
// for and excluded. Without a history in any category there is no query.
class CategoryRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT when the bundle has no lists by category, or a setting is
  // out of range.
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec);

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  bool AddReachable(ReachableItems* items) const override;

 private:
  CategoryRetriever(const Bundle& bundle,
                    std::vector<const PopularityList*> lists,
                    std::vector<float> weights)
      : bundle_(bundle),
        lists_(std::move(lists)),
        weights_(std::move(weights)) {}

  // The largest shares, by category; their sum is 1 at most.
  void FindShares(const RetrieverQuery& query,
                  std::vector<ScoredRow>* shares) const;

  const Bundle& bundle_;
  // By category; null where there is none.
  const std::vector<const PopularityList*> lists_;
  // By rank in the history, the newest first; as many as are used.
  const std::vector<float> weights_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_
