#include "index/search/recall.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace tributary {
namespace {

std::vector<Row> SortedRows(std::span<const ScoredRow> hits) {
  std::vector<Row> rows;
  rows.reserve(hits.size());
  for (const ScoredRow& hit : hits) rows.push_back(hit.row);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

double Recall(std::span<const ScoredRow> exact,
              std::span<const ScoredRow> found) {
  if (exact.empty()) return 1;
  const std::vector<Row> a = SortedRows(exact);
  const std::vector<Row> b = SortedRows(found);
  std::vector<Row> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                        std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(a.size());
}

}  // namespace tributary
