#include "server/retrieval/category_retriever.h"

#include <algorithm>

#include "server/retrieval/history_weights.h"
#include "server/retrieval/score_table.h"
#include "server/retrieval/user_history.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxCategories = 16;

}  // namespace

absl::StatusOr<std::unique_ptr<Retriever>> CategoryRetriever::Create(
    const Bundle& bundle, const v1::RetrieverSpec& spec) {
  std::vector<const PopularityList*> lists;
  for (const PopularityList& list : bundle.popularity()) {
    const uint32_t category = list.spec().category();
    if (category == 0) continue;
    if (lists.size() <= category) lists.resize(category + 1);
    lists[category] = &list;
  }
  if (lists.empty()) {
    return absl::InvalidArgumentError(
        "popularity: the bundle has no list with a category");
  }
  ASSIGN_OR_RETURN(std::vector<float> weights, HistoryWeights(spec));
  return std::unique_ptr<Retriever>(
      new CategoryRetriever(bundle, std::move(lists), std::move(weights)));
}

void CategoryRetriever::FindShares(const RetrieverQuery& query,
                                   std::vector<ScoredRow>* shares) const {
  thread_local std::vector<Row> history;
  thread_local std::vector<float> item_weights;
  JoinWeighted(StoredHistory(bundle_, query), query,
               static_cast<uint32_t>(weights_.size()), &history, &item_weights);
  thread_local ScoreTable sums;
  // The rows of this table are categories.
  sums.Clear(lists_.size());
  float total = 0;
  for (size_t rank = 0; rank < history.size(); ++rank) {
    const size_t at = history.size() - 1 - rank;
    const auto categories = bundle_.Categories(history[at]);
    const auto shared_by = static_cast<float>(categories.size());
    const float weight = item_weights.empty()
                             ? weights_[rank]
                             : weights_[rank] * item_weights[at];
    for (const uint16_t category : categories) {
      if (category >= lists_.size() || lists_[category] == nullptr) continue;
      sums.Add(category, weight / shared_by);
      total += weight / shared_by;
    }
  }
  sums.Best(kMaxCategories, shares);
  for (ScoredRow& share : *shares) share.score /= total;
}

absl::StatusOr<Ask> CategoryRetriever::Retrieve(
    const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  proposals->clear();
  thread_local std::vector<ScoredRow> shares;
  FindShares(query, &shares);
  if (shares.empty()) return Ask::kNoQuery;
  const size_t depth = size_t{n} + query.excluded.size();
  const PassingItems* const passing = query.passing.get();
  thread_local ScoreTable sums;
  sums.Clear(std::min<size_t>(shares.size() * depth, bundle_.items().size()));
  for (const ScoredRow& share : shares) {
    const PopularityList& list = *lists_[share.row];
    const auto rows = list.rows();
    if (passing != nullptr && passing->AreFewOf(rows)) {
      const auto places = passing->PlacesIn(rows);
      for (const uint32_t i : places.first(std::min(depth, places.size()))) {
        sums.Add(rows[i], share.score * list.scores()[i]);
      }
      continue;
    }
    size_t left = depth;
    for (size_t i = 0; i < rows.size() && left > 0; ++i) {
      // A file that was not verified may name items that do not exist.
      if (rows[i] >= bundle_.items().size()) continue;
      if (passing != nullptr && !passing->Has(rows[i])) continue;
      sums.Add(rows[i], share.score * list.scores()[i]);
      --left;
    }
  }
  for (const Row row : query.excluded) sums.Drop(row);
  sums.Best(n, proposals);
  return Ask::kAnswered;
}

bool CategoryRetriever::AddReachable(ReachableItems* items) const {
  for (const PopularityList* list : lists_) {
    if (list == nullptr) continue;
    for (const Row item : list->rows()) items->Add(item);
  }
  return true;
}

}  // namespace tributary
