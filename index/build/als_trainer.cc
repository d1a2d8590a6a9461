#include "index/build/als_trainer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "fmt/format.h"
#include "index/build/parallel_for.h"
#include "index/build/random.h"
#include "index/build/subspace.h"

namespace tributary {
namespace {

using Matrix = DenseRows;
using Vector = Eigen::VectorXf;

constexpr int kGradientSteps = 3;
constexpr uint64_t kRowsPerPiece = 256;
constexpr double kInitialDeviation = 0.1;

// For each row of one side, the rows of the other side that it goes with, both
// counted among those that have any.
struct Adjacency {
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> others;
  // The rows of the data set.
  std::vector<Row> rows;

  std::span<const uint32_t> Of(uint64_t i) const {
    return {&others[offsets[i]], offsets[i + 1] - offsets[i]};
  }
};

// Groups pairs, which are sorted, by their first row. Second rows become
// `numbers` of theirs.
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

// The number of each row of `pairs`' first rows among them.
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

// Solves one row: minimises over x the squared error of y.x against 1 for the
// rows y of `others`, weighted 1 + alpha, and against 0 for all rows (whose
// Gramian, with the regularisation on its diagonal, is `gramian`).
class RowSolver {
 public:
  RowSolver(const Matrix& gramian, const Matrix& others, float alpha)
      : gramian_(gramian), others_(others), alpha_(alpha) {}

  // `ridge` is this row's share of the regularisation.
  void Solve(std::span<const uint32_t> row, float ridge,
             Eigen::Ref<Eigen::RowVectorXf> x) {
    Gather(row);
    direction_ = x.transpose();
    Apply(ridge);
    residual_.noalias() = (1 + alpha_) * known_.colwise().sum().transpose();
    residual_ -= applied_;
    direction_ = residual_;
    float square = residual_.squaredNorm();
    for (int step = 0; step < kGradientSteps && square > 1e-20F; ++step) {
      Apply(ridge);
      const float length = square / direction_.dot(applied_);
      x += length * direction_.transpose();
      residual_ -= length * applied_;
      const float next_square = residual_.squaredNorm();
      direction_ = residual_ + (next_square / square) * direction_;
      square = next_square;
    }
  }

 private:
  void Gather(std::span<const uint32_t> row) {
    known_.resize(static_cast<Eigen::Index>(row.size()), others_.cols());
    for (size_t i = 0; i < row.size(); ++i) {
      known_.row(static_cast<Eigen::Index>(i)) = others_.row(row[i]);
    }
  }

  // applied_ = the system's matrix times direction_.
  void Apply(float ridge) {
    applied_.noalias() = gramian_ * direction_;
    applied_ += ridge * direction_;
    scores_.noalias() = known_ * direction_;
    applied_.noalias() += alpha_ * (known_.transpose() * scores_);
  }

  const Matrix& gramian_;
  const Matrix& others_;
  const float alpha_;
  Matrix known_;
  Vector direction_, applied_, residual_, scores_;
};

Matrix RandomFactors(size_t rows, uint32_t dim, Random* random) {
  Matrix factors(static_cast<Eigen::Index>(rows), dim);
  const double deviation =
      kInitialDeviation / std::sqrt(static_cast<double>(dim));
  for (float& x : factors.reshaped<Eigen::RowMajor>()) {
    x = static_cast<float>(deviation * random->Normal());
  }
  return factors;
}

TrainedVectors Export(const std::vector<Row>& rows, const Matrix& factors) {
  return {rows,
          std::vector<float>(factors.data(), factors.data() + factors.size())};
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
        "behavior: no interactions of a value above 0");
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
  Matrix item_factors =
      RandomFactors(items.rows.size(), settings_.dim(), &random);
  Matrix user_factors =
      RandomFactors(users.rows.size(), settings_.dim(), &random);
  const auto alpha = static_cast<float>(settings_.alpha());
  const auto solve = [&](const Adjacency& side, const Matrix& others,
                         Matrix* factors) {
    const Matrix gramian = Gramian(others, threads_).cast<float>();
    ParallelFor(
        side.rows.size(), kRowsPerPiece, threads_,
        [&](uint64_t begin, uint64_t end) {
          RowSolver solver(gramian, others, alpha);
          for (uint64_t i = begin; i < end; ++i) {
            // The row's confidence, summed over the whole other side.
            const double confidence =
                settings_.alpha() * static_cast<double>(side.Of(i).size()) +
                static_cast<double>(others.rows());
            solver.Solve(
                side.Of(i),
                static_cast<float>(settings_.regularization() * confidence),
                factors->row(static_cast<Eigen::Index>(i)));
          }
        });
  };
  for (uint32_t i = 0; i < settings_.iterations(); ++i) {
    progress_("behavior", static_cast<double>(i) / settings_.iterations());
    solve(users, item_factors, &user_factors);
    solve(items, user_factors, &item_factors);
  }
  progress_("behavior", 1);
  if (!item_factors.allFinite() || !user_factors.allFinite()) {
    return absl::InternalError(fmt::format(
        "behavior: training diverged with alpha {} and regularization {}",
        settings_.alpha(), settings_.regularization()));
  }
  return TrainedSpace{.name = "behavior",
                      .dim = settings_.dim(),
                      .metric = v1::INNER_PRODUCT,
                      .history_encoder = v1::HISTORY_ENCODER_UNSPECIFIED,
                      .items = Export(items.rows, item_factors),
                      .users = Export(users.rows, user_factors)};
}

}  // namespace tributary
