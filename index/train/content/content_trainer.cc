#include "index/train/content/content_trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "index/train/content/subspace.h"
#include "index/train/content/term_matrix.h"
#include "index/train/half_precision.h"

namespace tributary {
namespace {

// Appends vector / |vector| as the vector of `row`, unless it is 0.
void AppendNormalised(Row row, const Eigen::RowVectorXf& vector,
                      TrainedVectors* vectors) {
  const float norm = vector.norm();
  if (!(norm > kShortestContentVector)) return;
  vectors->rows.push_back(row);
  for (const float x : vector) vectors->values.push_back(x / norm);
}

// Scales the rows of *items to length 1 and exports those that are not 0.
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
  for (size_t i = 0; i < all.size();) {
    const Row user = all[i].user;
    Eigen::RowVectorXf sum = Eigen::RowVectorXf::Zero(items.cols());
    for (; i < all.size() && all[i].user == user; ++i) {
      if (all[i].weight <= 0) continue;
      const float value = weigh_by_value ? ValueOf(data, all[i]) : 1;
      sum += all[i].weight * std::max(value, 0.0F) * items.row(all[i].item);
    }
    AppendNormalised(user, sum, &vectors);
  }
  return vectors;
}

// Makes the encoder from the terms and the rounded projection that is stored,
// so that an item that is encoded later gets exactly the vector that training
// would have given it.
TrainedEncoder MakeEncoder(TermMatrix terms, DenseRows* projection) {
  TrainedEncoder encoder{.spec = std::move(terms.encoder),
                         .terms = std::move(terms.terms),
                         .idf = std::move(terms.idf),
                         .projection = {},
                         .half_projection = false};
  encoder.projection.assign(projection->data(),
                            projection->data() + projection->size());
  encoder.half_projection = RoundToHalf(&encoder.projection);
  std::copy(encoder.projection.begin(), encoder.projection.end(),
            projection->data());
  return encoder;
}

}  // namespace

absl::StatusOr<TrainedSpace> ContentTrainer::Train(const DataSet& data) const {
  TermMatrix terms = MakeTermMatrix(data, {settings_.column_weights().begin(),
                                           settings_.column_weights().end()});
  if (terms.rows.nonZeros() == 0) {
    return absl::FailedPreconditionError(
        "content: no feature that two items share");
  }
  // Eigen's sparse matrices can be swapped, but not moved.
  SparseRows rows;
  rows.swap(terms.rows);
  DenseRows projection =
      FindSubspace(rows, settings_.dim(), seed_, threads_, progress_);
  TrainedEncoder encoder = MakeEncoder(std::move(terms), &projection);
  DenseRows items = Multiply(rows, projection, threads_);
  TrainedSpace space{.name = "content",
                     .dim = settings_.dim(),
                     .metric = v1::COSINE,
                     .history_encoder = v1::MEAN,
                     .items = ExportItems(&items),
                     .users = {},
                     .feature_encoder = std::move(encoder)};
  if (space.items.rows.empty()) {
    return absl::FailedPreconditionError(
        "content: the items' features do not tell them apart");
  }
  space.users = MakeUsers(data, items, settings_.weigh_by_value());
  return space;
}

}  // namespace tributary
