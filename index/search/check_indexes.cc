#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "fmt/core.h"
#include "index/search/recall.h"
#include "index/search/vector_index.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Relative. The order of summation, and with it rounding, depends on the
// processor.
constexpr double kScoreTolerance = 1e-4;
// The few golden queries measure recall less precisely than the builder did.
constexpr double kRecallSlack = 0.1;

bool Near(double a, double b) {
  return std::abs(a - b) <=
         kScoreTolerance * std::max({1e-6, std::abs(a), std::abs(b)});
}

double ExactScore(const VectorTable& items, uint32_t position,
                  const v1::GoldenQuery& golden) {
  std::vector<float> vector(items.dim());
  items.Read(position, vector);
  return std::inner_product(vector.begin(), vector.end(),
                            golden.vector().begin(), 0.0);
}

// The golden and the exact answer agree when, at every rank, their scores agree
// and the golden row really has that score. The rows themselves may differ:
// rows with nearly equal scores may swap ranks.
absl::Status CheckFlatAnswer(const VectorTable& items,
                             const v1::GoldenQuery& golden,
                             std::span<const ScoredRow> flat) {
  if (flat.size() != static_cast<size_t>(golden.rows_size())) {
    return absl::DataLossError(fmt::format("{} rows, but flat search finds {}",
                                           golden.rows_size(), flat.size()));
  }
  for (int i = 0; i < golden.rows_size(); ++i) {
    const auto position = items.Find(golden.rows(i));
    if (position.has_value() && Near(golden.scores(i), flat[i].score) &&
        Near(golden.scores(i), ExactScore(items, *position, golden))) {
      continue;
    }
    return absl::DataLossError(fmt::format(
        "rank {} is row {} with score {}, but flat search finds row {} with "
        "score {}",
        i + 1, golden.rows(i), golden.scores(i), flat[i].row, flat[i].score));
  }
  return absl::OkStatus();
}

absl::Status AtQuery(int query, const absl::Status& status) {
  return absl::DataLossError(
      fmt::format("golden query {}: {}", query, std::string(status.message())));
}

// Runs the golden queries of `space`, both exactly and on `index`.
absl::Status RunGoldenQueries(const Bundle& bundle, const EmbeddingSpace& space,
                              const VectorIndex& index) {
  const auto flat = MakeFlatIndex(space.items);
  std::vector<ScoredRow> exact;
  std::vector<ScoredRow> found;
  double recall = 0;
  int queries = 0;
  for (int i = 0; i < bundle.manifest().golden_queries_size(); ++i) {
    const v1::GoldenQuery& golden = bundle.manifest().golden_queries(i);
    if (golden.space() != space.spec->name()) continue;
    const std::span<const float> query(golden.vector().data(),
                                       golden.vector_size());
    const auto n = static_cast<uint32_t>(golden.rows_size());
    absl::Status status = flat->Search(query, n, {}, SteadyTime::max(), &exact);
    if (status.ok()) status = CheckFlatAnswer(space.items, golden, exact);
    if (status.ok()) {
      status = index.Search(query, n, {}, SteadyTime::max(), &found);
    }
    if (!status.ok()) return AtQuery(i, status);
    recall += Recall(exact, found);
    ++queries;
  }
  const double promised = space.spec->index().measured_recall();
  if (queries == 0 || recall / queries >= promised - kRecallSlack) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      fmt::format("the index has recall {:.4f} on {} golden queries, but its "
                  "measured_recall is {}",
                  recall / queries, queries, promised));
}

}  // namespace

absl::Status CheckIndexes(
    const Bundle& bundle,
    const std::function<void(const EmbeddingSpace&)>& before) {
  for (const EmbeddingSpace& space : bundle.spaces()) {
    if (before) before(space);
    ASSIGN_OR_RETURN(const auto index, OpenIndex(bundle, space));
    absl::Status status = index->CheckContents();
    if (status.ok()) status = RunGoldenQueries(bundle, space, *index);
    if (!status.ok()) {
      return absl::DataLossError(fmt::format("space {}: {}", space.spec->name(),
                                             std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary
