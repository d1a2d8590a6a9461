#include "server/gate/list_overlap.h"

#include <algorithm>
#include <span>
#include <utility>

#include "server/gate/sample.h"

namespace tributary {
namespace {

using Lists = std::vector<std::vector<Row>>;

// The lists with the rows that their items have in the old bundle, ascending;
// kNoRow for an item that the old bundle does not have.
Lists SortedIn(const Bundle& old_bundle, const Bundle& bundle,
               const Lists& lists) {
  Lists sorted = lists;
  for (std::vector<Row>& list : sorted) {
    for (Row& row : list) {
      if (&bundle != &old_bundle) {
        row = FindSameKey(bundle.items(), row, old_bundle.items());
      }
    }
    std::sort(list.begin(), list.end());
  }
  return sorted;
}

// |both| / length of the longer list; 1 for two empty lists.
double Overlap(std::span<const Row> a, std::span<const Row> b) {
  if (a.empty() && b.empty()) return 1;
  size_t both = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      // Never kNoRow: the old bundle's own lists have none.
      ++both, ++i, ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return static_cast<double>(both) /
         static_cast<double>(std::max(a.size(), b.size()));
}

void DropUnanswered(Lists* old_lists, Lists* new_lists) {
  size_t kept = 0;
  for (size_t q = 0; q < old_lists->size(); ++q) {
    if ((*old_lists)[q].empty() && (*new_lists)[q].empty()) continue;
    std::swap((*old_lists)[kept], (*old_lists)[q]);
    std::swap((*new_lists)[kept], (*new_lists)[q]);
    ++kept;
  }
  old_lists->resize(kept);
  new_lists->resize(kept);
}

}  // namespace

std::optional<OverlapMeasurement> MeasureOverlap(std::string source,
                                                 const Bundle& old_bundle,
                                                 const Lists& old_lists,
                                                 const Bundle& new_bundle,
                                                 const Lists& new_lists) {
  Lists before = SortedIn(old_bundle, old_bundle, old_lists);
  Lists after = SortedIn(old_bundle, new_bundle, new_lists);
  DropUnanswered(&before, &after);
  if (before.empty()) return std::nullopt;
  OverlapMeasurement measured{.source = std::move(source)};
  size_t length = 0;
  for (size_t q = 0; q < before.size(); ++q) {
    const size_t other = (q + before.size() / 2) % before.size();
    measured.overlap += Overlap(before[q], after[q]);
    measured.with_others += Overlap(before[q], after[other]);
    measured.old_with_others += Overlap(before[q], before[other]);
    length += after[q].size();
  }
  const auto queries = static_cast<double>(before.size());
  measured.overlap /= queries;
  measured.with_others /= queries;
  measured.old_with_others /= queries;
  measured.by_chance =
      std::min(1.0, static_cast<double>(length) / queries /
                        static_cast<double>(new_bundle.items().size()));
  return measured;
}

}  // namespace tributary
