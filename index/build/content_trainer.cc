#include "index/build/content_trainer.h"

#include <cmath>
#include <unordered_set>
#include <vector>

#include "index/build/subspace.h"
#include "index/build/term_matrix.h"

namespace tributary {
namespace {

// Shorter vectors are rounding: what made them has been projected away.
constexpr float kShortest = 1e-6F;

// Appends vector / |vector| as the vector of `row`, unless it is 0.
void AppendNormalised(Row row, const Eigen::RowVectorXf& vector,
                      TrainedVectors* vectors) {
  const float norm = vector.norm();
  if (!(norm > kShortest)) return;
  vectors->rows.push_back(row);
  for (const float x : vector) vectors->values.push_back(x / norm);
}

// The rows of *items, scaled to length 1, and those that are not 0 exported.
TrainedVectors ExportItems(DenseRows* items) {
  TrainedVectors vectors;
  for (Eigen::Index i = 0; i < items->rows(); ++i) {
    const size_t before = vectors.rows.size();
    AppendNormalised(static_cast<Row>(i), items->row(i), &vectors);
    if (vectors.rows.size() == before) {
      items->row(i).setZero();
    } else {
      items->row(i).normalize();
    }
  }
  return vectors;
}

TrainedVectors MakeUsers(const DataSet& data, const DenseRows& items,
                         bool weigh_by_value) {
  TrainedVectors vectors;
  const std::vector<Interaction>& all = data.interactions;
  std::unordered_set<Row> counted;
  for (size_t i = 0; i < all.size();) {
    const Row user = all[i].user;
    Eigen::RowVectorXf sum = Eigen::RowVectorXf::Zero(items.cols());
    counted.clear();
    for (; i < all.size() && all[i].user == user; ++i) {
      if (all[i].value <= 0 || !counted.insert(all[i].item).second) {
        continue;
      }
      sum += (weigh_by_value ? all[i].value : 1) * items.row(all[i].item);
    }
    AppendNormalised(user, sum, &vectors);
  }
  return vectors;
}

}  // namespace

absl::StatusOr<TrainedSpace> ContentTrainer::Train(const DataSet& data) const {
  const SparseRows terms = MakeTermMatrix(
      data,
      {settings_.column_weights().begin(), settings_.column_weights().end()});
  if (terms.nonZeros() == 0) {
    return absl::FailedPreconditionError(
        "content: no feature that two items share");
  }
  DenseRows items =
      ProjectToSubspace(terms, settings_.dim(), seed_, threads_, progress_);
  TrainedSpace space{.name = "content",
                     .dim = settings_.dim(),
                     .metric = v1::COSINE,
                     .history_encoder = v1::MEAN,
                     .items = ExportItems(&items),
                     .users = {}};
  if (space.items.rows.empty()) {
    return absl::FailedPreconditionError(
        "content: the items' features do not tell them apart");
  }
  space.users = MakeUsers(data, items, settings_.weigh_by_value());
  return space;
}

}  // namespace tributary
