#ifndef TRIBUTARY_SERVER_PIPELINE_OWNED_QUERY_H_
#define TRIBUTARY_SERVER_PIPELINE_OWNED_QUERY_H_

#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// A copy of a query that owns what RetrieverQuery views, so that it can outlive
// its request.
class OwnedQuery {
 public:
  // `cancelled`, which outlives this, takes the place of the query's own.
  explicit OwnedQuery(const RetrieverQuery& query,
                      const std::atomic<bool>* cancelled = nullptr);
  OwnedQuery(const OwnedQuery&) = delete;
  OwnedQuery& operator=(const OwnedQuery&) = delete;

  const RetrieverQuery& view() const { return view_; }

 private:
  void CopyFeatures(std::span<const UserFeature> features);

  std::vector<Row> live_history_;
  std::vector<Row> history_;
  std::vector<float> history_weights_;
  std::vector<WeightedRow> liked_;
  std::vector<WeightedRow> unliked_;
  std::vector<std::string> space_names_;
  std::vector<std::vector<float>> values_;
  std::vector<SpaceVector> vectors_;
  // Names of features and of their categories.
  std::vector<std::string> feature_texts_;
  std::vector<std::string_view> categories_;
  std::vector<UserFeature> user_features_;
  std::vector<Row> excluded_;
  std::vector<uint64_t> added_allowed_;
  RetrieverQuery view_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_OWNED_QUERY_H_
