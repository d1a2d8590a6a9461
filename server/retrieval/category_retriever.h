#ifndef TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "category_popularity": popular items of the categories of the user's
// history (the history that the bundle stores, followed by the request's recent
// items and liked items). A history item has weight (1 + rank)^-decay, with
// rank 0 for the newest, times the weight that the request gives it, divided
// evenly among its categories. share[c] is the weight of
// category c as a fraction of the total; the 16 largest shares are used. The
// score of an item is
//   sum over those c of share[c] * score of the item in the list of c,
// where n + |excluded| items of each list are read. A user whose history has no
// categories gets kNoQuery.
class CategoryRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT when the bundle has no list with a category, or a field of
  // the spec is out of range.
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

  // Replaces *shares with the largest shares, whose rows are categories. Their
  // sum is at most 1.
  void FindShares(const RetrieverQuery& query,
                  std::vector<ScoredRow>* shares) const;

  const Bundle& bundle_;
  // By category; null for a category without a list.
  const std::vector<const PopularityList*> lists_;
  // By rank in the history, newest first. Older items are not used.
  const std::vector<float> weights_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_CATEGORY_RETRIEVER_H_
