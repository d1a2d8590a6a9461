#include "index/train/als/als_trainer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/random.h"
#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"
#include "index/train/als/als_rows.h"

namespace tributary {
namespace {

constexpr uint64_t kRowsPerPiece = 4 * AlsSolver::kMaxRows;
constexpr double kInitialDeviation = 0.1;

// For each row of one side, the rows of the other side that it interacts with.
// Rows are numbered among those that have any interaction.
struct Adjacency {
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> others;
  // The rows of the data set.
  std::vector<Row> rows;

  std::span<const uint32_t> Of(uint64_t i) const {
    return {&others[offsets[i]], offsets[i + 1] - offsets[i]};
  }
};

// Groups sorted pairs by their first row. Second rows are replaced by their
// `numbers`.
Adjacency Group(const std::vector<std::pair<Row, Row>>& pairs,
                const std::vector<uint32_t>& numbers) {
  Adjacency adjacency;
  for (const auto& [row, other] : pairs) {
    if (adjacency.rows.empty() || adjacency.rows.back() != row) {
      adjacency.rows.push_back(row);
      adjacency.offsets.push_back(adjacency.offsets.back());
    }
    adjacency.others.push_back(numbers[other]);
    ++adjacency.offsets.back();
  }
  return adjacency;
}

// Numbers the distinct first rows of sorted pairs, by row.
std::vector<uint32_t> NumberRows(const std::vector<std::pair<Row, Row>>& pairs,
                                 size_t rows) {
  std::vector<uint32_t> numbers(rows);
  uint32_t next = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0 && pairs[i].first != pairs[i - 1].first) ++next;
    numbers[pairs[i].first] = next;
  }
  return numbers;
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
            // The row's confidence, summed over the whole other side.
            const double confidence =
                settings.alpha() * static_cast<double>(known.size()) +
                static_cast<double>(others.rows);
            rows.push_back(
                {known,
                 static_cast<float>(settings.regularization() * confidence)});
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
  std::vector<std::pair<Row, Row>> by_user;
  for (const Interaction& interaction : data.interactions) {
    if (interaction.value > 0) {
      by_user.push_back({interaction.user, interaction.item});
    }
  }
  if (by_user.empty()) {
    return absl::FailedPreconditionError(
        "als: no interactions of a value above 0");
  }
  std::sort(by_user.begin(), by_user.end());
  by_user.erase(std::unique(by_user.begin(), by_user.end()), by_user.end());
  std::vector<std::pair<Row, Row>> by_item;
  by_item.reserve(by_user.size());
  for (const auto& [user, item] : by_user) by_item.push_back({item, user});
  std::sort(by_item.begin(), by_item.end());
  const Adjacency users =
      Group(by_user, NumberRows(by_item, data.items.size()));
  const Adjacency items =
      Group(by_item, NumberRows(by_user, data.users.size()));

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
