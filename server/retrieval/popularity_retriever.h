#ifndef TRIBUTARY_SERVER_RETRIEVAL_POPULARITY_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_POPULARITY_RETRIEVER_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "popularity": reads the list of the query's segment, if the spec says so
// and the bundle has one, and then the spec's lists in order, each after the
// one before is exhausted. Needs no query, so the answer is always kAnswered.
// Items that live changes added are merged into the first of the spec's lists
// that is of all users and categories, by the popularity that the change gave.
// An item's score is its score in the list that it was taken from, capped at
// the score of the item before it, so that scores never rise from one list to
// the next. The cost is linear in the number of proposed, skipped and excluded
// items.
class PopularityRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT for an unknown list, or when the spec names none.
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec);

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  bool AddReachable(ReachableItems* items) const override;

 private:
  PopularityRetriever(const Bundle& bundle, bool by_segment,
                      std::vector<const PopularityList*> lists)
      : bundle_(bundle), by_segment_(by_segment), lists_(std::move(lists)) {}

  const Bundle& bundle_;
  const bool by_segment_;
  const std::vector<const PopularityList*> lists_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_POPULARITY_RETRIEVER_H_
