#include "index/train/neighbors/ease.h"

#include <algorithm>
#include <cmath>

#include "Eigen/Cholesky"
#include "Eigen/Core"
#include "index/parallel/parallel_for.h"
#include "index/train/neighbors/co_occurrence.h"

namespace tributary {
namespace {

// Counts kept of an item. Smaller ones are taken for 0.
constexpr size_t kMaxCounts = 500;
constexpr uint64_t kColumnsPerPiece = 64;
// The factor by which the ridge is raised when missing counts make the matrix
// indefinite, and how often it is raised.
constexpr double kRidgeStep = 10;
constexpr int kMaxSteps = 3;

void SortByRow(std::vector<ScoredRow>* row) {
  std::sort(
      row->begin(), row->end(),
      [](const ScoredRow& a, const ScoredRow& b) { return a.row < b.row; });
}

}  // namespace

Ease::Ease(const Histories& histories, const ItemOccurrences& occurrences,
           uint32_t threads, size_t max_candidates)
    : weights_(ItemWeights(histories, occurrences)), threads_(threads) {
  const size_t n_items = occurrences.offsets.size() - 1;
  counts_.resize(n_items);
  candidates_.resize(n_items);
  const CoOccurrence co_occurrence(histories, occurrences, {});
  co_occurrence.ForEachRow(threads, [&](Row item, std::vector<ScoredRow>* row) {
    KeepBest(
        kMaxCounts, [](const ScoredRow& entry) { return entry.score; }, row);
    counts_[item] = *row;
    SortByRow(&counts_[item]);
    KeepBest(
        max_candidates,
        [&](const ScoredRow& entry) {
          return entry.score /
                 std::sqrt(static_cast<float>(weights_[entry.row]));
        },
        row);
    SortByRow(row);
    candidates_[item] = *row;
  });
}

std::vector<ScoredRow> Ease::SolveItem(Row item, double ridge) const {
  const std::vector<ScoredRow>& candidates = candidates_[item];
  const auto size = static_cast<Eigen::Index>(candidates.size());
  thread_local std::vector<int32_t> occurrences;
  if (occurrences.size() < counts_.size())
    occurrences.assign(counts_.size(), -1);
  Eigen::MatrixXd gramian = Eigen::MatrixXd::Zero(size, size);
  Eigen::VectorXd target(size);
  for (Eigen::Index a = 0; a < size; ++a) {
    const ScoredRow& candidate = candidates[static_cast<size_t>(a)];
    occurrences[candidate.row] = static_cast<int32_t>(a);
    target(a) = candidate.score;
  }
  for (Eigen::Index a = 0; a < size; ++a) {
    const Row row = candidates[static_cast<size_t>(a)].row;
    gramian(a, a) = weights_[row] + ridge;
    // A pair may be among the kept counts of one of its items only.
    for (const ScoredRow& with : counts_[row]) {
      const int32_t b = occurrences[with.row];
      if (b >= 0) gramian(a, b) = gramian(b, a) = with.score;
    }
  }
  for (const ScoredRow& candidate : candidates) occurrences[candidate.row] = -1;

  Eigen::LLT<Eigen::MatrixXd> solver(gramian);
  for (int step = 0; solver.info() != Eigen::Success && step < kMaxSteps;
       ++step) {
    ridge *= kRidgeStep;
    gramian.diagonal().array() += ridge;
    solver.compute(gramian);
  }
  std::vector<ScoredRow> weights;
  if (solver.info() != Eigen::Success) return weights;
  solver.solveInPlace(target);
  for (Eigen::Index a = 0; a < size; ++a) {
    weights.push_back({candidates[static_cast<size_t>(a)].row,
                       static_cast<float>(target(a))});
  }
  return weights;
}

std::vector<std::vector<ScoredRow>> Ease::Solve(double ridge) const {
  std::vector<std::vector<ScoredRow>> columns(counts_.size());
  ParallelFor(counts_.size(), kColumnsPerPiece, threads_,
              [&](uint64_t begin, uint64_t end) {
                for (auto item = static_cast<Row>(begin); item < end; ++item) {
                  if (!candidates_[item].empty()) {
                    columns[item] = SolveItem(item, ridge);
                  }
                }
              });
  std::vector<std::vector<ScoredRow>> rows(counts_.size());
  for (Row item = 0; item < columns.size(); ++item) {
    for (const ScoredRow& weight : columns[item]) {
      rows[weight.row].push_back({item, weight.score});
    }
    columns[item] = {};
  }
  return rows;
}

}  // namespace tributary
