// Filters for searches, made of lists.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_ALLOWED_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_ALLOWED_H_

#include <memory>
#include <span>
#include <utility>

#include "index/bundle/row_set.h"
#include "index/search/coded_search.h"

namespace tributary {

inline RowSet SetOf(std::span<const Row> rows, uint64_t size) {
  RowSet set(size);
  for (const Row row : rows) set.Add(row);
  return set;
}

inline std::unique_ptr<AllowedSlots> SlotsOf(const CodedSearcher& searcher,
                                             std::span<const Row> positions) {
  auto allowed =
      std::make_unique<AllowedSlots>(SetOf(positions, searcher.vectors()));
  searcher.Allow(allowed.get());
  return allowed;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_ALLOWED_H_
