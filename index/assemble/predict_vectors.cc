#include "index/assemble/predict_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "index/data/spread_evenly.h"
#include "index/parallel/parallel_for.h"
#include "index/search/vector_index.h"
#include "status/status_macros.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

constexpr uint32_t kNeighbors = 10;
constexpr uint64_t kItemsPerPiece = 16;
// Calibrate: known items, depth of lists, wanted share, and the search for the
// factor by halving.
constexpr uint64_t kKnownItems = 1000;
constexpr uint32_t kDepth = 50;
constexpr double kShareOfKnown = 0.5;
constexpr double kMaxFactor = 4;
constexpr int kHalvings = 30;

template <typename T, typename U>
double Dot(std::span<const T> a, std::span<const U> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

VectorPredictor::VectorPredictor(const EmbeddingSpace& content,
                                 const VectorTable& table, bool last_is_bias,
                                 uint32_t threads)
    : content_(content),
      table_(table),
      last_is_bias_(last_is_bias),
      threads_(threads) {
  for (uint64_t i = 0; i < content.items.size(); ++i) {
    const Row row = content.items.row(i);
    if (!table.Find(row)) excluded_.push_back(row);
  }
}

// Writes the neighbours' weighted mean. False when no cosine is above 0.
bool VectorPredictor::Average(std::span<const ScoredRow> neighbors,
                              std::span<float> out) const {
  std::vector<float> vector(out.size());
  std::vector<double> sum(out.size());
  const std::span<const float> direction(vector.data(), directions());
  double lengths = 0;
  double weights = 0;
  for (const ScoredRow& neighbor : neighbors) {
    if (!(neighbor.score > 0)) break;
    const double weight = std::pow(neighbor.score, 4);
    table_.Read(*table_.Find(neighbor.row), vector);
    for (size_t d = 0; d < sum.size(); ++d) sum[d] += weight * vector[d];
    lengths += weight * std::sqrt(Dot(direction, direction));
    weights += weight;
  }
  if (weights == 0) return false;
  const std::span<const double> summed(sum.data(), directions());
  const double length = std::sqrt(Dot(summed, summed));
  const double scale = length_factor_ * (length > 0 ? lengths / length : 1);
  for (size_t d = 0; d < sum.size(); ++d) {
    out[d] =
        static_cast<float>(sum[d] / weights * (d < directions() ? scale : 1));
  }
  return true;
}

absl::StatusOr<TrainedVectors> VectorPredictor::Predict(
    const TrainedVectors& items) const {
  return Predict(items, /*exclude_itself=*/false);
}

absl::StatusOr<TrainedVectors> VectorPredictor::Predict(
    const TrainedVectors& items, bool exclude_itself) const {
  const uint32_t content_dim = content_.spec->dim();
  const uint32_t dim = table_.dim();
  const auto index = MakeFlatIndex(content_.items);
  std::vector<float> values(items.rows.size() * dim);
  std::vector<uint8_t> found(items.rows.size());
  struct {
    Mutex mutex;
    absl::Status status ABSL_GUARDED_BY(mutex);
  } first_error;
  ParallelFor(
      items.rows.size(), kItemsPerPiece, threads_,
      [&](uint64_t begin, uint64_t end) {
        std::vector<ScoredRow> neighbors;
        for (uint64_t i = begin; i < end; ++i) {
          const absl::Status status = index->Search(
              std::span(items.values).subspan(i * content_dim, content_dim),
              kNeighbors + (exclude_itself ? 1 : 0), RowFilter(excluded_),
              SteadyTime::max(), &neighbors);
          if (!status.ok()) {
            const MutexLock lock(&first_error.mutex);
            first_error.status.Update(status);
            return;
          }
          if (exclude_itself) {
            std::erase_if(neighbors, [&](const ScoredRow& neighbor) {
              return neighbor.row == items.rows[i];
            });
          }
          found[i] =
              Average(neighbors, std::span(values).subspan(i * dim, dim));
        }
      });
  {
    const MutexLock lock(&first_error.mutex);
    RETURN_IF_ERROR(first_error.status);
  }
  TrainedVectors predicted;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == 0) continue;
    const auto vector = std::span(values).subspan(i * dim, dim);
    predicted.rows.push_back(items.rows[i]);
    predicted.values.insert(predicted.values.end(), vector.begin(),
                            vector.end());
  }
  return predicted;
}

// The content vectors of an even sample of the items in the table.
TrainedVectors VectorPredictor::SampleKnown() const {
  TrainedVectors known;
  std::vector<float> vector(content_.spec->dim());
  for (const uint64_t i : SpreadEvenly(kKnownItems, table_.size())) {
    const auto position = content_.items.Find(table_.row(i));
    if (!position) continue;
    content_.items.Read(*position, vector);
    known.rows.push_back(table_.row(i));
    known.values.insert(known.values.end(), vector.begin(), vector.end());
  }
  return known;
}

// Compares each item's real vector and its predicted one with the query's list.
absl::Status VectorPredictor::Compare(
    const SpaceQuery& query, const TrainedVectors& predicted,
    std::vector<Comparison>* comparisons) const {
  std::vector<Row> seen(query.seen.begin(), query.seen.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  std::vector<ScoredRow> list;
  RETURN_IF_ERROR(MakeFlatIndex(table_)->Search(
      query.vector, kDepth, RowFilter(seen), SteadyTime::max(), &list));
  if (list.size() < kDepth) return absl::OkStatus();
  const std::span<const float> asked(query.vector);
  std::vector<float> real(table_.dim());
  for (size_t i = 0; i < predicted.rows.size(); ++i) {
    const Row row = predicted.rows[i];
    if (std::binary_search(seen.begin(), seen.end(), row)) continue;
    table_.Read(*table_.Find(row), real);
    const auto guess =
        std::span(predicted.values).subspan(i * real.size(), real.size());
    comparisons->push_back(
        {.real = Dot(asked, std::span<const float>(real)),
         .predicted = Dot(asked.first(directions()), guess.first(directions())),
         .bias = last_is_bias_ ? double{asked.back()} * guess.back() : 0,
         .last = list.back().score});
  }
  return absl::OkStatus();
}

absl::Status VectorPredictor::Calibrate(std::span<const SpaceQuery> queries) {
  length_factor_ = 1;
  ASSIGN_OR_RETURN(const TrainedVectors predicted,
                   Predict(SampleKnown(), /*exclude_itself=*/true));
  std::vector<Comparison> comparisons;
  for (const SpaceQuery& query : queries) {
    RETURN_IF_ERROR(Compare(query, predicted, &comparisons));
  }
  const auto count = [&](const auto& is_listed) {
    return static_cast<double>(
        std::count_if(comparisons.begin(), comparisons.end(), is_listed));
  };
  const double wanted = kShareOfKnown * count([](const Comparison& comparison) {
                          return comparison.real >= comparison.last;
                        });
  if (wanted == 0) return absl::OkStatus();
  double low = 0;
  double high = kMaxFactor;
  for (int i = 0; i < kHalvings; ++i) {
    const double factor = (low + high) / 2;
    const double listed = count([&](const Comparison& comparison) {
      return factor * comparison.predicted + comparison.bias >= comparison.last;
    });
    (listed > wanted ? high : low) = factor;
  }
  length_factor_ = low;
  return absl::OkStatus();
}

}  // namespace tributary
