#ifndef TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "neighbors": joins the neighbour lists of the history's items, what the
// bundle has stored and after it what came with the request. An item's score is
// the sum over the history of (1 + rank)^-decay, rank 0 being the newest item,
// times the score it has in that item's list. Items whose score is not above 0
// are not proposed. Without a history, or with one of which no item has
// neighbours, there is no query.
//
// Costs at most max_history times the table's width, whatever the catalogue's
// size; allocates nothing once the thread's buffers have grown.
class NeighborRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT for an unknown table, or a setting out of range.
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
  // By rank in the history, the newest first; as many as are used.
  const std::vector<float> weights_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_NEIGHBOR_RETRIEVER_H_
