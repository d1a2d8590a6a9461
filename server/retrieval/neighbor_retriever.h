#ifndef TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "neighbors": joins the neighbour lists of the history's items (the
// history that the bundle stores, followed by the request's recent items and
// liked items). The score of an item is
//   sum over the history of weight * (1 + rank)^-decay * score of the item in
//   the list of the history item,
// with rank 0 for the newest history item, and the weight that the request
// gives it, or 1. Only scores above 0 are proposed. A history without
// neighbours, or no history, gives kNoQuery.
//
// An item that a live change added has no list, and is in none: it is proposed
// where the item is that stands in for it, with the same score.
//
// The cost is at most max_history times the table's width, independent of the
// catalogue's size. Allocates nothing once the thread's buffers have grown.
class NeighborRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT for an unknown table, or a field that is out of range.
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec);

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  bool AddReachable(ReachableItems* items) const override;
  uint32_t expected_us(uint32_t n) const override;

 private:
  NeighborRetriever(const Bundle& bundle, const NeighborTable& table,
                    std::vector<float> weights)
      : bundle_(bundle), table_(table), weights_(std::move(weights)) {}

  const Bundle& bundle_;
  const NeighborTable& table_;
  // By rank in the history, newest first. Older items are not used.
  const std::vector<float> weights_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_
