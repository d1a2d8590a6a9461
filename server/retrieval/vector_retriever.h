#ifndef TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Kind "vector": the items of one embedding space by inner product with a query
// vector. That is the first of these that there is:
//   1. the request's vector for the space;
//   2. the mean of the vectors of the request's history;
//   3. the user's stored vector;
//   4. the mean of the vectors of what the user has seen, newest 200;
// means only where the space's history_encoder is MEAN. In a COSINE space it is
// normalised. Without one, or when it is zero, there is no query.
class VectorRetriever : public Retriever {
 public:
  // INVALID_ARGUMENT for an unknown space; OpenIndex's errors.
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec);

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override;
  uint32_t expected_us(uint32_t n) const override {
    return index_->expected_us(n);
  }

 private:
  VectorRetriever(const Bundle& bundle, const EmbeddingSpace& space,
                  std::unique_ptr<VectorIndex> index);

  absl::StatusOr<Ask> Search(const VectorIndex& index,
                             const RetrieverQuery& query, uint32_t n,
                             std::vector<ScoredRow>* proposals) const;
  // False when there is nothing to make one from.
  bool MakeVector(const RetrieverQuery& query,
                  std::vector<float>* vector) const;
  bool MeanOf(std::span<const Row> items, std::vector<float>* vector) const;

  const Bundle& bundle_;
  const EmbeddingSpace& space_;
  const std::unique_ptr<VectorIndex> index_;
  // Null when index_ is exact itself.
  const std::unique_ptr<VectorIndex> exact_index_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_VECTOR_RETRIEVER_H_
