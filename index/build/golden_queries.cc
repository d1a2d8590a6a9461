#include "index/build/golden_queries.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "index/bundle/row.h"

namespace tributary {
namespace {

constexpr size_t kQueries = 8;
constexpr size_t kAnswers = 20;

// The exact answer, in doubles: the referee's referee.
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

}  // namespace

std::vector<uint64_t> SpreadEvenly(uint64_t n, uint64_t available) {
  std::vector<uint64_t> places;
  for (uint64_t i = 0; i < std::min(n, available); ++i) {
    places.push_back(n < available ? (2 * i + 1) * available / (2 * n) : i);
  }
  return places;
}

std::vector<float> SampleQueries(const TrainedSpace& space, size_t n) {
  const TrainedVectors& from =
      space.users.rows.empty() ? space.items : space.users;
  std::vector<float> queries;
  for (const uint64_t position : SpreadEvenly(n, from.rows.size())) {
    const auto vector =
        from.values.begin() + static_cast<int64_t>(position * space.dim);
    queries.insert(queries.end(), vector, vector + space.dim);
  }
  return queries;
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
  const std::vector<float> queries = SampleQueries(space, kQueries);
  for (size_t i = 0; i < queries.size(); i += space.dim) {
    const std::span<const float> query(&queries[i], space.dim);
    v1::GoldenQuery& golden = *manifest->add_golden_queries();
    golden.set_space(space.name);
    golden.mutable_vector()->Add(query.begin(), query.end());
    AnswerGoldenQuery(space.items, &golden);
  }
}

}  // namespace tributary
