#include "server/explain/exact_ranks.h"

#include <algorithm>
#include <cstdint>

#include "server/retrieval/added_items.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Shorter lists take as long to make.
constexpr uint64_t kShortestList = 1024;
constexpr uint64_t kGrowth = 4;

absl::StatusOr<Ask> RetrieveExactly(const Retriever& retriever,
                                    const RetrieverQuery& query, uint32_t n,
                                    std::vector<ScoredRow>* list) {
  absl::StatusOr<Ask> ask = retriever.RetrieveExact(query, n, list);
  // It is exact as it is.
  if (absl::IsUnimplemented(ask.status())) {
    ask = retriever.Retrieve(query, n, list);
  }
  return ask;
}

// Takes the ranks of those of `rows` that the list has. Returns whether it has
// all that are wanted.
bool TakeRanks(std::span<const ScoredRow> list, std::span<const Row> rows,
               std::span<SourceFinding* const> findings) {
  for (uint32_t i = 0; i < list.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      if (rows[j] != list[i].row || findings[j]->exact_rank != 0) continue;
      findings[j]->knows_item = true;
      findings[j]->exact_rank = i + 1;
      findings[j]->exact_score = list[i].score;
    }
  }
  return std::ranges::all_of(findings, [](const SourceFinding* finding) {
    return !finding->knows_item || finding->exact_rank > 0;
  });
}

}  // namespace

absl::Status FindExactRanks(const Retriever& retriever,
                            const RetrieverQuery& query, uint32_t asked,
                            uint64_t items, const ExplainTerms& terms,
                            std::span<const Row> rows,
                            std::span<SourceFinding* const> findings) {
  const Row first_added =
      query.added == nullptr ? kNoRow : query.added->first();
  ReachableItems reachable(std::min<uint64_t>(items, first_added));
  const bool can_say = retriever.AddReachable(&reachable);
  bool any = false;
  for (size_t j = 0; j < rows.size(); ++j) {
    // Of an added item it is known once the whole list is.
    findings[j]->knows_item =
        !can_say || rows[j] >= first_added || reachable.Has(rows[j]);
    any = any || (findings[j]->knows_item && findings[j]->answered());
  }
  if (!any) return absl::OkStatus();
  std::vector<ScoredRow> list;
  uint64_t n = std::max<uint64_t>(asked, kShortestList);
  while (true) {
    RETURN_IF_ERROR(terms.Check());
    n = std::min(n, items);
    const absl::StatusOr<Ask> ask =
        RetrieveExactly(retriever, query, static_cast<uint32_t>(n), &list);
    if (!ask.ok() || *ask != Ask::kAnswered) return terms.Check();
    const bool has_more = list.size() >= n && n < items;
    KeepPassing(query, &list);
    if (TakeRanks(list, rows, findings)) return absl::OkStatus();
    if (!has_more) {
      for (size_t j = 0; j < rows.size(); ++j) {
        if (rows[j] >= first_added && findings[j]->exact_rank == 0) {
          findings[j]->knows_item = false;
        }
      }
      return absl::OkStatus();
    }
    n *= kGrowth;
  }
}

}  // namespace tributary
