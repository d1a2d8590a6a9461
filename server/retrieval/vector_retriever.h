#ifndef TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "index/tower/user_tower.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "vector": the items of one embedding space with the largest inner
// product with a query vector. The query vector is the first of these that
// exists:
//   1. the request's vectors for the space;
//   2. the request's history, encoded as the mean of its items' vectors, or by
//      the space's tower, to which it is the continuation of the stored
//      history. Features of the request that the tower takes replace what is
//      stored of the user, and need no history;
//   3. where live events are part of the stored history: that history, encoded
//      as the mean of its newest 200 items' vectors, or by the tower;
//   4. the user's stored vector;
//   5. the stored history, encoded in the same way.
// Then liked items are added to it (see AddLikedItems). Histories are encoded
// only if the space has a history_encoder; weights of the request's history
// weigh the mean, and a tower is given those items whose weight is above 0. In
// a COSINE space query vectors are normalised. Without a query vector, or with
// one that is zero or not finite, the answer is kNoQuery.
//
// The request may give several vectors, and a tower with several interests
// makes one query vector for each: each is searched for, and an item's score is
// the best of its scores, each multiplied by the vector's weight. A score
// beyond the range of float is the end of the range; such items keep the order
// of their true scores.
class VectorRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT for an unknown space, or an error of OpenIndex or
  // UserTower::Open.
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec);

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  bool AddReachable(ReachableItems* items) const override;
  bool KnowsAny(std::span<const UserFeature> features) const override {
    return tower_ != nullptr && tower_->KnowsAny(features);
  }
  void PrepareFor(const PassingItems& items) const override {
    items.For(*index_);
  }
  uint32_t expected_us(uint32_t n) const override {
    const uint32_t searches = tower_ == nullptr ? 1 : tower_->interests();
    return index_->expected_us(n) * searches;
  }

 private:
  VectorRetriever(const Bundle& bundle, const EmbeddingSpace& space,
                  std::unique_ptr<VectorIndex> index,
                  std::unique_ptr<UserTower> tower);

  // Adds the best of the query's added items, exactly if `index` is exact, to
  // *proposals, which are the best n of the others for the same vector, whose
  // products are multiplied by `factor`.
  absl::Status SearchAdded(const VectorIndex& index,
                           const RetrieverQuery& query,
                           std::span<const float> vector, uint32_t n,
                           double factor, const SearchTerms& terms,
                           std::vector<ScoredRow>* proposals) const;
  absl::StatusOr<Ask> Search(const VectorIndex& index,
                             const RetrieverQuery& query, uint32_t n,
                             std::vector<ScoredRow>* proposals) const;
  // Replaces *vectors with the query vectors, concatenated, and *weights with
  // the weight of each. False when the query has nothing to make one from.
  bool MakeVectors(const RetrieverQuery& query, std::vector<float>* vectors,
                   std::vector<float>* weights) const;
  // The same from the user and the histories.
  bool MakeUserVectors(const RetrieverQuery& query,
                       std::vector<float>* vectors) const;
  // `recent` are the request's items, and `weights` how much each counts;
  // empty: 1. The rest comes from the query. False when there is no vector.
  bool EncodeHistory(const RetrieverQuery& query, std::span<const Row> recent,
                     std::span<const float> weights,
                     std::vector<float>* vectors) const;
  // False when no item with a weight above 0 has a vector.
  bool MeanOf(std::span<const Row> items, std::span<const float> weights,
              std::vector<float>* vector) const;

  const Bundle& bundle_;
  const EmbeddingSpace& space_;
  const std::unique_ptr<VectorIndex> index_;
  // Null when index_ is exact.
  const std::unique_ptr<VectorIndex> exact_index_;
  // Null when the space has no user tower.
  const std::unique_ptr<UserTower> tower_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_
