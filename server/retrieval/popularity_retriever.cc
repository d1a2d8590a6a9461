#include "server/retrieval/popularity_retriever.h"

#include <algorithm>

#include "fmt/core.h"
#include "index/search/row_marks.h"

namespace tributary {
namespace {

// Appends the list's unmarked items that pass, and marks them, until *proposals
// has n.
void AppendFrom(const PopularityList& list, uint32_t n,
                const PassingItems* passing, RowMarks* taken,
                std::vector<ScoredRow>* proposals) {
  const auto rows = list.rows();
  const auto scores = list.scores();
  const auto append = [&](size_t i) {
    if (!taken->Mark(rows[i])) return;
    const float score = proposals->empty()
                            ? scores[i]
                            : std::min(proposals->back().score, scores[i]);
    proposals->push_back({rows[i], score});
  };
  if (passing != nullptr && passing->AreFewOf(rows)) {
    for (const uint32_t i : passing->PlacesIn(rows)) {
      if (proposals->size() == n) break;
      append(i);
    }
    return;
  }
  for (size_t i = 0; i < rows.size() && proposals->size() < n; ++i) {
    if (passing == nullptr || passing->Has(rows[i])) append(i);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Retriever>> PopularityRetriever::Create(
    const Bundle& bundle, const v1::RetrieverSpec& spec) {
  if (spec.lists().empty()) {
    return absl::InvalidArgumentError("lists: empty, expected at least one");
  }
  std::vector<const PopularityList*> lists;
  for (const std::string& name : spec.lists()) {
    lists.push_back(bundle.FindPopularity(name));
    if (lists.back() != nullptr) continue;
    return absl::InvalidArgumentError(fmt::format(
        "lists: \"{}\" is not a popularity list of the bundle", name));
  }
  return std::unique_ptr<Retriever>(
      new PopularityRetriever(bundle, spec.by_segment(), std::move(lists)));
}

absl::StatusOr<Ask> PopularityRetriever::Retrieve(
    const RetrieverQuery& query, uint32_t n,
    std::vector<ScoredRow>* proposals) const {
  proposals->clear();
  RowMarks taken(bundle_.items().size());
  for (const Row row : query.excluded) taken.Mark(row);
  const PopularityList* own =
      by_segment_ ? bundle_.FindSegment(query.segment) : nullptr;
  const PassingItems* const passing = query.passing.get();
  if (own != nullptr) AppendFrom(*own, n, passing, &taken, proposals);
  for (const PopularityList* list : lists_) {
    AppendFrom(*list, n, passing, &taken, proposals);
  }
  return Ask::kAnswered;
}

bool PopularityRetriever::AddReachable(ReachableItems* items) const {
  for (const PopularityList* list : lists_) {
    for (const Row item : list->rows()) items->Add(item);
  }
  if (!by_segment_) return true;
  for (const PopularityList& list : bundle_.popularity()) {
    if (list.spec().segment() == 0) continue;
    for (const Row item : list.rows()) items->Add(item);
  }
  return true;
}

}  // namespace tributary
