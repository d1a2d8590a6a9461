#include "server/retrieval/popularity_retriever.h"

#include <algorithm>
#include <limits>
#include <span>

#include "fmt/core.h"
#include "index/search/row_marks.h"
#include "server/retrieval/added_items.h"

namespace tributary {
namespace {

// The added items that may be proposed, most popular first.
class AddedPopularity {
 public:
  explicit AddedPopularity(const RetrieverQuery& query)
      : added_(query.added.get()), allowed_(query.added_allowed) {
    if (added_ != nullptr) left_ = added_->popular();
    SkipToAllowed();
  }

  bool empty() const { return left_.empty(); }
  const ScoredRow& best() const { return left_.front(); }
  void Pop() {
    left_ = left_.subspan(1);
    SkipToAllowed();
  }

 private:
  void SkipToAllowed() {
    while (!left_.empty()) {
      const Row at = left_.front().row - added_->first();
      if ((allowed_[at / 64] >> (at % 64) & 1) != 0) return;
      left_ = left_.subspan(1);
    }
  }

  const AddedItems* added_;
  std::span<const uint64_t> allowed_;
  std::span<const ScoredRow> left_;
};

// Appends an item with the score, or that of the one before it if that is less.
void AppendCapped(ScoredRow item, std::vector<ScoredRow>* proposals) {
  if (!proposals->empty()) {
    item.score = std::min(proposals->back().score, item.score);
  }
  proposals->push_back(item);
}

// Appends the list's unmarked items that pass, and marks them, until *proposals
// has n; with those of `added`, which may be null, among them.
void AppendFrom(const PopularityList& list, uint32_t n,
                const PassingItems* passing, AddedPopularity* added,
                RowMarks* taken, std::vector<ScoredRow>* proposals) {
  const auto rows = list.rows();
  const auto scores = list.scores();
  const auto append_added_above = [&](float score) {
    while (added != nullptr && !added->empty() && added->best().score > score &&
           proposals->size() < n) {
      AppendCapped(added->best(), proposals);
      added->Pop();
    }
  };
  const auto append = [&](size_t i) {
    if (added != nullptr) {
      append_added_above(scores[i]);
      if (proposals->size() == n) return;
    }
    if (taken->Mark(rows[i])) AppendCapped({rows[i], scores[i]}, proposals);
  };
  if (passing != nullptr && passing->AreFewOf(rows)) {
    for (const uint32_t i : passing->PlacesIn(rows)) {
      if (proposals->size() == n) break;
      append(i);
    }
  } else {
    for (size_t i = 0; i < rows.size() && proposals->size() < n; ++i) {
      if (passing == nullptr || passing->Has(rows[i])) append(i);
    }
  }
  append_added_above(-std::numeric_limits<float>::infinity());
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
  if (own != nullptr) {
    AppendFrom(*own, n, passing, /*added=*/nullptr, &taken, proposals);
  }
  AddedPopularity added(query);
  for (const PopularityList* list : lists_) {
    const bool general =
        list->spec().segment() == 0 && list->spec().category() == 0;
    // After the first such list nothing is left of them, or no room.
    AppendFrom(*list, n, passing, general && !added.empty() ? &added : nullptr,
               &taken, proposals);
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
