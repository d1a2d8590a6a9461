#include "server/retrieval/user_history.h"

#include <algorithm>

namespace tributary {

void JoinHistories(std::span<const Row> stored, std::span<const Row> recent,
                   uint32_t max_items, std::vector<Row>* history) {
  thread_local std::vector<Row> sorted;
  thread_local std::vector<bool> taken;
  sorted.assign(recent.begin(), recent.end());
  std::sort(sorted.begin(), sorted.end());
  taken.assign(sorted.size(), false);
  // From the newest item to the oldest.
  history->clear();
  for (size_t i = recent.size(); i > 0 && history->size() < max_items; --i) {
    const auto position = static_cast<size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), recent[i - 1]) -
        sorted.begin());
    if (!taken[position]) history->push_back(recent[i - 1]);
    taken[position] = true;
  }
  for (size_t i = stored.size(); i > 0 && history->size() < max_items; --i) {
    if (std::binary_search(sorted.begin(), sorted.end(), stored[i - 1])) {
      continue;
    }
    history->push_back(stored[i - 1]);
  }
  std::reverse(history->begin(), history->end());
}

}  // namespace tributary
