#include "index/train/als/als_trainer.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <span>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/histories.h"
#include "index/data/random.h"
#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"
#include "index/train/als/als_rows.h"

namespace tributary {
namespace {

constexpr uint64_t kRowsPerPiece = 4 * AlsSolver::kMaxRows;
constexpr double kInitialDeviation = 0.1;

// A user and an item, and how much the user's interactions with the item weigh
// together.
struct Pair {
  Row row;
  Row other;
  float weight;

  friend auto operator<=>(const Pair& a, const Pair& b) {
    return a.row != b.row ? a.row <=> b.row : a.other <=> b.other;
  }
};

// For each row of one side, the rows of the other side that it interacts with.
// Rows are numbered among those that have any interaction.
struct Adjacency {
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> others;
  // Parallel to others; empty: all are 1.
  std::vector<float> weights;
  // The rows of the data set.
  std::vector<Row> rows;

  std::span<const uint32_t> Of(uint64_t i) const {
    return {&others[offsets[i]], offsets[i + 1] - offsets[i]};
  }
  std::span<const float> WeightsOf(uint64_t i) const {
    if (weights.empty()) return {};
    return {&weights[offsets[i]], offsets[i + 1] - offsets[i]};
  }
};

// Groups sorted pairs by their first row. Second rows are replaced by their
// `numbers`.
Adjacency Group(const std::vector<Pair>& pairs,
                const std::vector<uint32_t>& numbers, bool weighted) {
  Adjacency adjacency;
  for (const Pair& pair : pairs) {
    if (adjacency.rows.empty() || adjacency.rows.back() != pair.row) {
      adjacency.rows.push_back(pair.row);
      adjacency.offsets.push_back(adjacency.offsets.back());
    }
    adjacency.others.push_back(numbers[pair.other]);
    if (weighted) adjacency.weights.push_back(pair.weight);
    ++adjacency.offsets.back();
  }
  return adjacency;
}

// Numbers the distinct first rows of sorted pairs, by row.
std::vector<uint32_t> NumberRows(const std::vector<Pair>& pairs, size_t rows) {
  std::vector<uint32_t> numbers(rows);
  uint32_t next = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0 && pairs[i].row != pairs[i - 1].row) ++next;
    numbers[pairs[i].row] = next;
  }
  return numbers;
}

// Users and items, sorted. Those that were rejected have a weight below 0, and
// are there only where both sides have a positive pair as well. Sets *weighted
// to whether weights differ.
std::vector<Pair> ListPairs(const DataSet& data, bool* weighted) {
  std::vector<Pair> pairs;
  for (const Interaction& one : data.interactions) {
    if (one.weight != 0) pairs.push_back({one.user, one.item, one.weight});
  }
  std::stable_sort(pairs.begin(), pairs.end());
  size_t kept = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (kept > 0 && pairs[kept - 1] <=> pairs[i] == 0) {
      pairs[kept - 1].weight += pairs[i].weight;
    } else {
      pairs[kept++] = pairs[i];
    }
  }
  pairs.resize(kept);
  std::vector<bool> users(data.users.size()), items(data.items.size());
  for (const Pair& pair : pairs) {
    if (pair.weight > 0) users[pair.row] = items[pair.other] = true;
  }
  std::erase_if(pairs, [&](const Pair& pair) {
    return !users[pair.row] || !items[pair.other] || pair.weight == 0;
  });
  std::vector<float> weights;
  for (const Pair& pair : pairs) weights.push_back(pair.weight);
  NormaliseWeights(&weights);
  *weighted = !weights.empty();
  for (size_t i = 0; i < weights.size(); ++i) pairs[i].weight = weights[i];
  return pairs;
}

AlsFactors RandomFactors(size_t rows, uint32_t dim, Random* random) {
  AlsFactors factors;
  factors.rows = rows;
  factors.width = (dim + kAlsLanes - 1) / kAlsLanes * kAlsLanes;
  factors.values = hwy::AllocateAligned<float>(rows * factors.width);
  std::fill_n(factors.values.get(), rows * factors.width, 0.0F);
  const double deviation =
      kInitialDeviation / std::sqrt(static_cast<double>(dim));
  for (size_t i = 0; i < rows; ++i) {
    for (uint32_t j = 0; j < dim; ++j) {
      factors.Row(i)[j] = static_cast<float>(deviation * random->Normal());
    }
  }
  return factors;
}

// The magnitudes of the known rows' weights, added up.
double SumOf(std::span<const uint32_t> known, std::span<const float> weights) {
  if (weights.empty()) return static_cast<double>(known.size());
  double sum = 0;
  for (const float weight : weights) sum += std::abs(weight);
  return sum;
}

// Solves all rows of one side against the other side.
void SolveSide(const Adjacency& side, const AlsFactors& others,
               const v1::Als& settings, uint32_t threads, AlsFactors* factors) {
  const std::vector<double> exact =
      Gramian(others.values.get(), others.rows, others.width, threads);
  const std::vector<float> gramian(exact.begin(), exact.end());
  const AlsSystem system = {others, gramian,
                            static_cast<float>(settings.alpha())};
  ParallelFor(
      side.rows.size(), kRowsPerPiece, threads,
      [&](uint64_t begin, uint64_t end) {
        AlsSolver solver(system);
        std::vector<AlsRow> rows;
        for (uint64_t i = begin; i < end; i += rows.size()) {
          rows.clear();
          while (rows.size() < AlsSolver::kMaxRows && i + rows.size() < end) {
            const std::span known = side.Of(i + rows.size());
            const std::span weights = side.WeightsOf(i + rows.size());
            // The row's confidence, summed over the whole other side.
            const double confidence = settings.alpha() * SumOf(known, weights) +
                                      static_cast<double>(others.rows);
            rows.push_back(
                {known,
                 static_cast<float>(settings.regularization() * confidence),
                 weights});
          }
          solver.Solve(rows, factors->Row(i));
        }
      });
}

bool AllFinite(const AlsFactors& factors) {
  return std::all_of(factors.values.get(),
                     factors.values.get() + factors.rows * factors.width,
                     [](float x) { return std::isfinite(x); });
}

TrainedVectors Export(const std::vector<Row>& rows, const AlsFactors& factors,
                      uint32_t dim) {
  TrainedVectors vectors{rows, {}};
  vectors.values.reserve(rows.size() * dim);
  for (size_t i = 0; i < rows.size(); ++i) {
    vectors.values.insert(vectors.values.end(), factors.Row(i),
                          factors.Row(i) + dim);
  }
  return vectors;
}

}  // namespace

absl::StatusOr<TrainedSpace> AlsTrainer::Train(const DataSet& data) const {
  bool weighted = false;
  const std::vector<Pair> by_user = ListPairs(data, &weighted);
  if (by_user.empty()) {
    return absl::FailedPreconditionError("als: no positive interactions");
  }
  std::vector<Pair> by_item;
  by_item.reserve(by_user.size());
  for (const Pair& pair : by_user) {
    by_item.push_back({pair.other, pair.row, pair.weight});
  }
  std::sort(by_item.begin(), by_item.end());
  const Adjacency users =
      Group(by_user, NumberRows(by_item, data.items.size()), weighted);
  const Adjacency items =
      Group(by_item, NumberRows(by_user, data.users.size()), weighted);

  Random random(seed_);
  AlsFactors item_factors =
      RandomFactors(items.rows.size(), settings_.dim(), &random);
  AlsFactors user_factors =
      RandomFactors(users.rows.size(), settings_.dim(), &random);
  for (uint32_t i = 0; i < settings_.iterations(); ++i) {
    progress_("als", static_cast<double>(i) / settings_.iterations());
    SolveSide(users, item_factors, settings_, threads_, &user_factors);
    SolveSide(items, user_factors, settings_, threads_, &item_factors);
  }
  progress_("als", 1);
  if (!AllFinite(item_factors) || !AllFinite(user_factors)) {
    return absl::InternalError(fmt::format(
        "als: training diverged with alpha {} and regularization {}",
        settings_.alpha(), settings_.regularization()));
  }
  return TrainedSpace{
      .name = "als",
      .dim = settings_.dim(),
      .metric = v1::INNER_PRODUCT,
      .history_encoder = v1::HISTORY_ENCODER_UNSPECIFIED,
      .items = Export(items.rows, item_factors, settings_.dim()),
      .users = Export(users.rows, user_factors, settings_.dim())};
}

}  // namespace tributary
