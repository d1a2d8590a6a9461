#include "server/retrieval/neighbor_retriever.h"

#include <algorithm>
#include <utility>

#include "fmt/core.h"
#include "server/retrieval/added_items.h"
#include "server/retrieval/history_weights.h"
#include "server/retrieval/score_table.h"
#include "server/retrieval/user_history.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// For a history of typical length; measured by tests/bench.
constexpr uint32_t kUsualHistory = 50;
constexpr double kUsPerNeighbor = 0.017;

}  // namespace

absl::StatusOr<std::unique_ptr<Retriever>> NeighborRetriever::Create(
    const Bundle& bundle, const v1::RetrieverSpec& spec) {
  const NeighborTable* table = bundle.FindNeighbors(spec.table());
  if (table == nullptr) {
    return absl::InvalidArgumentError(fmt::format(
        "table: \"{}\" is not a neighbor table of the bundle", spec.table()));
  }
  ASSIGN_OR_RETURN(std::vector<float> weights, HistoryWeights(spec));
  return std::unique_ptr<Retriever>(
      new NeighborRetriever(bundle, *table, std::move(weights)));
}

absl::StatusOr<Ask> NeighborRetriever::Retrieve(
    const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  proposals->clear();
  thread_local std::vector<Row> history;
  thread_local std::vector<float> item_weights;
  JoinWeighted(StoredHistory(bundle_, query), query,
               static_cast<uint32_t>(weights_.size()), &history, &item_weights);
  thread_local ScoreTable sums;
  thread_local std::vector<float> scores;
  // There are at most as many different rows as items.
  sums.Clear(std::min<size_t>(history.size() * table_.width(),
                              bundle_.items().size()));
  scores.resize(table_.width());
  const PassingItems* const passing = query.passing.get();
  bool any = false;
  for (size_t rank = 0; rank < history.size(); ++rank) {
    const size_t at = history.size() - 1 - rank;
    const Row item = history[at];
    const float weight = item_weights.empty()
                             ? weights_[rank]
                             : weights_[rank] * item_weights[at];
    const auto neighbors = table_.Neighbors(item);
    if (neighbors.empty() || weight == 0) continue;
    any = true;
    table_.ReadScores(item, scores);
    for (size_t i = 0; i < neighbors.size(); ++i) {
      // A file that was not verified may name items that do not exist.
      if (neighbors[i] >= bundle_.items().size()) continue;
      if (passing != nullptr && !passing->Has(neighbors[i])) continue;
      sums.Add(neighbors[i], weight * scores[i]);
    }
  }
  if (!any) return Ask::kNoQuery;
  for (const Row row : query.excluded) sums.Drop(row);
  sums.Best(n, proposals);
  if (query.added != nullptr) {
    const size_t known = proposals->size();
    query.added->AddStandIns(query.added_allowed, proposals);
    if (proposals->size() > known) {
      std::sort(proposals->begin(), proposals->end(), Better);
      if (proposals->size() > n) proposals->resize(n);
    }
  }
  return Ask::kAnswered;
}

uint32_t NeighborRetriever::expected_us(uint32_t /*n*/) const {
  const auto items =
      std::min<double>(kUsualHistory, static_cast<double>(weights_.size()));
  return static_cast<uint32_t>(kUsPerNeighbor * items * table_.width());
}

bool NeighborRetriever::AddReachable(ReachableItems* items) const {
  for (Row item = 0; item < bundle_.items().size(); ++item) {
    // The table is large: stop as soon as it can add nothing.
    if (items->unreachable() == 0) break;
    for (const Row neighbor : table_.Neighbors(item)) items->Add(neighbor);
  }
  return true;
}

}  // namespace tributary
