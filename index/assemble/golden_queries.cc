#include "index/assemble/golden_queries.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "index/bundle/row.h"
#include "index/data/spread_evenly.h"

namespace tributary {
namespace {

constexpr size_t kGoldenQueries = 8;
constexpr size_t kAnswers = 20;

// The exact answer, computed in doubles.
std::vector<ScoredRow> Answer(const TrainedVectors& items,
                              std::span<const float> query) {
  std::vector<ScoredRow> scored;
  scored.reserve(items.rows.size());
  const float* vector = items.values.data();
  for (const Row row : items.rows) {
    const double score =
        std::inner_product(query.begin(), query.end(), vector, 0.0);
    scored.push_back({row, static_cast<float>(score)});
    vector += query.size();
  }
  const size_t n = std::min(kAnswers, scored.size());
  std::partial_sort(scored.begin(), scored.begin() + static_cast<int64_t>(n),
                    scored.end(), Better);
  scored.resize(n);
  return scored;
}

std::vector<SampleQuery> Sample(const TrainedSpace& space, size_t n) {
  std::vector<SampleQuery> queries;
  if (!space.queries.empty()) {
    for (const uint64_t i : SpreadEvenly(n, space.queries.size())) {
      queries.push_back(space.queries[i]);
    }
    return queries;
  }
  const TrainedVectors& from =
      space.users.rows.empty() ? space.items : space.users;
  for (const uint64_t i : SpreadEvenly(n, from.rows.size())) {
    const auto vector =
        from.values.begin() + static_cast<int64_t>(i * space.dim);
    queries.push_back({{}, {vector, vector + space.dim}});
  }
  return queries;
}

}  // namespace

std::vector<float> SampleQueries(const TrainedSpace& space, size_t n) {
  std::vector<float> vectors;
  for (const SampleQuery& query : Sample(space, n)) {
    vectors.insert(vectors.end(), query.vector.begin(), query.vector.end());
  }
  return vectors;
}

void AnswerGoldenQuery(const TrainedVectors& items, v1::GoldenQuery* golden) {
  golden->clear_rows();
  golden->clear_scores();
  const std::span<const float> query(
      golden->vector().data(), static_cast<size_t>(golden->vector_size()));
  for (const ScoredRow& hit : Answer(items, query)) {
    golden->add_rows(hit.row);
    golden->add_scores(hit.score);
  }
}

void AddGoldenQueries(const TrainedSpace& space, v1::Manifest* manifest) {
  for (const SampleQuery& query : Sample(space, kGoldenQueries)) {
    v1::GoldenQuery& golden = *manifest->add_golden_queries();
    golden.set_space(space.name);
    golden.mutable_vector()->Add(query.vector.begin(), query.vector.end());
    golden.mutable_history()->Add(query.history.begin(), query.history.end());
    golden.mutable_features()->Add(query.features.begin(),
                                   query.features.end());
    AnswerGoldenQuery(space.items, &golden);
  }
}

}  // namespace tributary
