#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/search/vector_index.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Of the product of the query's and the vector's lengths, within which rounding
// lies. Scores themselves may be anything, also 0, where the terms of a sum
// cancel out. The order of summation, and with it rounding, depends on the
// processor.
constexpr double kScoreTolerance = 1e-4;
// The few golden queries measure recall less precisely than the builder did.
constexpr double kRecallSlack = 0.1;

double VectorLength(std::span<const float> vector) {
  double square = 0;
  for (const double x : vector) square += x * x;
  return std::sqrt(square);
}

// A golden query's scores, compared with those of the vectors themselves.
class GoldenScores {
 public:
  GoldenScores(const VectorTable& items, const v1::GoldenQuery& golden)
      : items_(items), golden_(golden), vector_(items.dim()) {
    query_length_ = VectorLength(
        {golden.vector().data(), static_cast<size_t>(golden.vector_size())});
  }

  // Whether row i of the golden answer has a vector that gives its score.
  bool IsScoreOfItsRow(int i) {
    if (!Read(golden_.rows(i))) return false;
    return Near(golden_.scores(i), Score(), VectorLength(vector_));
  }

  // The share of the golden answer's n rows that `found` has. Rows whose scores
  // tie with the last of the answer stand for one another.
  double RecallOf(std::span<const ScoredRow> exact,
                  std::span<const ScoredRow> found) {
    if (exact.empty()) return 1;
    const double last = exact.back().score;
    const auto good =
        std::count_if(found.begin(), found.end(), [&](const ScoredRow& hit) {
          if (!Read(hit.row)) return false;
          const double score = Score();
          return score >= last || Near(score, last, VectorLength(vector_));
        });
    return std::min(
        1.0, static_cast<double>(good) / static_cast<double>(exact.size()));
  }

  // Whether the scores of rank i agree. The ranks may be those of different
  // rows, and vectors of the longest one that was seen at this rank or before
  // may have changed places with them.
  bool AgreesAt(int i, const ScoredRow& flat) {
    for (const Row row : {golden_.rows(i), flat.row}) {
      if (Read(row)) longest_ = std::max(longest_, VectorLength(vector_));
    }
    return Near(golden_.scores(i), flat.score, longest_);
  }

 private:
  // Reads the row's vector into vector_; false if it has none.
  bool Read(Row row) {
    const auto position = items_.Find(row);
    if (position.has_value()) items_.Read(*position, vector_);
    return position.has_value();
  }

  // The exact score of the vector that was read.
  double Score() const {
    return std::inner_product(vector_.begin(), vector_.end(),
                              golden_.vector().begin(), 0.0);
  }

  // Products below the least float may be lost. Infinities and NaN are near
  // nothing.
  bool Near(double a, double b, double length) const {
    constexpr double kLeast = std::numeric_limits<float>::min();
    return std::abs(a - b) <=
           kScoreTolerance * query_length_ * length + kLeast * items_.dim();
  }

  const VectorTable& items_;
  const v1::GoldenQuery& golden_;
  std::vector<float> vector_;
  double query_length_ = 0;
  double longest_ = 0;
};

// The golden and the exact answer agree when, at every rank, their scores agree
// and the golden row really has that score. The rows themselves may differ:
// rows with nearly equal scores may swap ranks.
absl::Status CheckFlatAnswer(const v1::GoldenQuery& golden,
                             std::span<const ScoredRow> flat,
                             GoldenScores* scores) {
  if (flat.size() != static_cast<size_t>(golden.rows_size())) {
    return absl::DataLossError(fmt::format("{} rows, but flat search finds {}",
                                           golden.rows_size(), flat.size()));
  }
  for (int i = 0; i < golden.rows_size(); ++i) {
    if (scores->AgreesAt(i, flat[i]) && scores->IsScoreOfItsRow(i)) continue;
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
    GoldenScores scores(space.items, golden);
    if (status.ok()) status = CheckFlatAnswer(golden, exact, &scores);
    if (status.ok()) {
      status = index.Search(query, n, {}, SteadyTime::max(), &found);
    }
    if (!status.ok()) return AtQuery(i, status);
    recall += scores.RecallOf(exact, found);
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
