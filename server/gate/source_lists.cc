#include "server/gate/source_lists.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "fmt/core.h"
#include "index/parallel/parallel_for.h"
#include "index/search/recall.h"
#include "server/process/cpu_throttle.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// An exact search reads every vector: for a few million items, this number of
// searches takes seconds.
constexpr size_t kExactQueries = 32;
// The server on the same machine needs the other cores.
constexpr uint32_t kThreads = 2;

// What a server's limits.max_k is by default, and how many queries ask for as
// much: each takes as long as ten others.
constexpr uint32_t kDeepest = 2000;
constexpr size_t kDeepQueries = 8;

// Calls run(i) for every i below n, on kThreads threads. Returns the error of
// the smallest i that has one.
absl::Status ForEach(size_t n, const std::function<absl::Status(size_t)>& run) {
  std::vector<absl::Status> statuses(n);
  ParallelFor(n, 1, kThreads, [&](uint64_t begin, uint64_t end) {
    const CpuThrottle throttle;
    for (uint64_t i = begin; i < end; ++i) statuses[i] = run(i);
  });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::Status CheckList(const std::vector<ScoredRow>& list,
                       const RetrieverQuery& query, uint32_t n,
                       uint64_t items) {
  if (list.size() > n) {
    return absl::DataLossError(fmt::format(
        "the source proposes {} items, asked for {}", list.size(), n));
  }
  std::vector<Row> rows;
  for (size_t i = 0; i < list.size(); ++i) {
    const auto [row, score] = list[i];
    const bool follows = i == 0 || score <= list[i - 1].score;
    if (row >= items || !std::isfinite(score) || !follows ||
        std::binary_search(query.excluded.begin(), query.excluded.end(), row)) {
      return absl::DataLossError(fmt::format(
          "the source proposes row {} with score {} at rank {}; rows must be "
          "below {} and not excluded, scores finite and descending",
          row, score, i + 1, items));
    }
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  const auto twice = std::adjacent_find(rows.begin(), rows.end());
  if (twice == rows.end()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("the source proposes row {} twice", *twice));
}

// At most kExactQueries of the queries that have an answer, evenly spread.
std::vector<size_t> QueriesForRecall(const SourceLists& lists) {
  std::vector<size_t> answered;
  for (size_t q = 0; q < lists.lists.size(); ++q) {
    if (!lists.lists[q].empty()) answered.push_back(q);
  }
  std::vector<size_t> chosen;
  const size_t count = std::min(answered.size(), kExactQueries);
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back(answered[i * answered.size() / count]);
  }
  return chosen;
}

// Sets *recall to the recall of one query, unless the retriever is exact.
absl::Status MeasureRecall(const Retriever& retriever,
                           const RetrieverQuery& query, uint32_t n,
                           std::optional<double>* recall) {
  std::vector<ScoredRow> exact;
  const auto ask = retriever.RetrieveExact(query, n, &exact);
  if (absl::IsUnimplemented(ask.status())) return absl::OkStatus();
  RETURN_IF_ERROR(ask.status());
  std::vector<ScoredRow> found;
  RETURN_IF_ERROR(retriever.Retrieve(query, n, &found).status());
  *recall = Recall(exact, found);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<double>> MeanRecall(
    const Retriever& retriever, std::span<const RetrieverQuery> queries,
    const std::vector<size_t>& chosen, uint32_t n) {
  std::vector<std::optional<double>> recalls(chosen.size());
  RETURN_IF_ERROR(ForEach(chosen.size(), [&](size_t i) {
    return MeasureRecall(retriever, queries[chosen[i]], n, &recalls[i]);
  }));
  double sum = 0;
  for (const auto& recall : recalls) {
    if (!recall) return std::optional<double>();
    sum += *recall;
  }
  if (recalls.empty()) return std::optional<double>();
  return std::optional<double>(sum / static_cast<double>(recalls.size()));
}

}  // namespace

bool SourceLists::answered() const {
  return std::any_of(lists.begin(), lists.end(),
                     [](const auto& list) { return !list.empty(); });
}

double SourceLists::mean_length() const {
  size_t sum = 0;
  for (const auto& list : lists) sum += list.size();
  return lists.empty()
             ? 0
             : static_cast<double>(sum) / static_cast<double>(lists.size());
}

absl::StatusOr<SourceLists> AskSource(const Retriever& retriever,
                                      std::span<const RetrieverQuery> queries,
                                      uint32_t n, uint64_t items) {
  SourceLists asked;
  asked.lists.resize(queries.size());
  const absl::Status all =
      ForEach(queries.size(), [&](size_t q) -> absl::Status {
        std::vector<ScoredRow> proposals;
        ASSIGN_OR_RETURN(const Ask ask,
                         retriever.Retrieve(queries[q], n, &proposals));
        if (ask == Ask::kNoQuery) return absl::OkStatus();
        RETURN_IF_ERROR(CheckList(proposals, queries[q], n, items));
        for (const ScoredRow& proposal : proposals) {
          asked.lists[q].push_back(proposal.row);
        }
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(all);
  ASSIGN_OR_RETURN(asked.recall,
                   MeanRecall(retriever, queries, QueriesForRecall(asked), n));
  return asked;
}

absl::Status AskDeeply(const Retriever& retriever,
                       std::span<const RetrieverQuery> queries,
                       uint64_t items) {
  const auto n = static_cast<uint32_t>(std::min<uint64_t>(kDeepest, items));
  const size_t count = std::min(queries.size(), kDeepQueries);
  return ForEach(count, [&](size_t i) -> absl::Status {
    const RetrieverQuery& query = queries[i * queries.size() / count];
    std::vector<ScoredRow> proposals;
    RETURN_IF_ERROR(retriever.Retrieve(query, n, &proposals).status());
    return CheckList(proposals, query, n, items);
  });
}

}  // namespace tributary
