#include "index/train/history/history_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"
#include "index/tower/accumulate.h"
#include "index/train/history/training_kernels.h"

namespace tributary {
namespace {

constexpr double kInitialDeviation = 0.05;
// A block's vectors stay in the second-level cache for all users.
constexpr size_t kBlock = 128;
constexpr size_t kUsersPerPiece = 16;
constexpr size_t kInputsPerPiece = 64;

// Adds a vector, each of its parts times its weight in entry i of `rows`. The
// last coordinate, which inputs do not have, is excluded.
void AddParts(float scale, const SparseRows& rows, size_t i,
              std::span<const float> vector, float* sums) {
  for (size_t part = 0; part < rows.width; ++part) {
    const size_t begin = PartBegin(vector.size() - 1, rows.width, part);
    const size_t end = PartBegin(vector.size() - 1, rows.width, part + 1);
    AddScaled(scale * rows.values[i * rows.width + part], &vector[begin],
              end - begin, sums + begin);
  }
}

}  // namespace

HistoryModel::HistoryModel(size_t items, uint32_t dimension, Random* random)
    : dim(dimension), inputs(items * dim), outputs(items * dim) {
  for (std::vector<float>* table : {&inputs, &outputs}) {
    for (size_t i = 0; i < table->size(); ++i) {
      if ((i + 1) % dim == 0) continue;
      (*table)[i] = static_cast<float>(kInitialDeviation * random->Normal());
    }
  }
}

void HistoryModel::FoldScale() {
  for (float& value : inputs) value *= std::exp(log_scale);
  log_scale = 0;
}

void EncodeHistory(const HistoryModel& model, std::span<const uint32_t> history,
                   const DecayedSums& sums, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  for (size_t rank = 0; rank < history.size(); ++rank) {
    sums.Add(rank, model.input(history[history.size() - 1 - rank]).data(),
             out.data());
  }
  if (!history.empty()) sums.DivideByNorms(history.size(), out.data());
  const float scale = std::exp(model.log_scale);
  for (float& value : out) value *= scale;
  out.back() = 1;
}

size_t HistoryGradients::BlockSize(size_t block) const {
  return std::min(kBlock, candidates_ - block * kBlock);
}

float* HistoryGradients::Scores(size_t block, size_t user) {
  return &scores_[block * kBlock * users_ + user * BlockSize(block)];
}

double HistoryGradients::Compute(const HistoryModel& model,
                                 const HistoryBatch& batch) {
  users_ = batch.histories.size();
  candidates_ = batch.candidates.size();
  const size_t dim = model.dim;
  scores_.resize(users_ * candidates_);
  encoded_.resize(users_ * dim);
  encoded_gradients_.resize(users_ * dim);
  outputs_.resize(candidates_ * dim);
  inputs_.resize(batch.inputs.size() * dim);
  parts_.assign((users_ + kUsersPerPiece - 1) / kUsersPerPiece, {});
  GatherCandidates(model, batch);
  ParallelFor(
      users_, kUsersPerPiece, threads_, [&](uint64_t begin, uint64_t end) {
        parts_[begin / kUsersPerPiece] = ComputeUsers(model, batch, begin, end);
      });
  const size_t blocks = (candidates_ + kBlock - 1) / kBlock;
  const size_t pieces =
      (batch.inputs.size() + kInputsPerPiece - 1) / kInputsPerPiece;
  ParallelFor(blocks + pieces, 1, threads_, [&](uint64_t i, uint64_t) {
    if (i < blocks) return ComputeOutputs(users_, dim, i);
    const size_t begin = (i - blocks) * kInputsPerPiece;
    ComputeInputs(model, batch, begin,
                  std::min(begin + kInputsPerPiece, batch.inputs.size()));
  });
  Part total;
  for (const Part& part : parts_) {
    total.loss += part.loss;
    total.log_scale += part.log_scale;
  }
  log_scale_ = static_cast<float>(total.log_scale);
  return total.loss;
}

void HistoryGradients::GatherCandidates(const HistoryModel& model,
                                        const HistoryBatch& batch) {
  const size_t dim = model.dim;
  vectors_.resize(candidates_ * dim);
  transposed_.resize(candidates_ * dim);
  ParallelFor(candidates_, kBlock, threads_, [&](uint64_t begin, uint64_t end) {
    const size_t size = end - begin;
    float* const transposed = &transposed_[begin * dim];
    for (size_t i = 0; i < size; ++i) {
      const float* const from =
          &model.outputs[batch.candidates[begin + i] * dim];
      std::copy_n(from, dim, &vectors_[(begin + i) * dim]);
      for (size_t j = 0; j < dim; ++j) transposed[j * size + i] = from[j];
    }
  });
}

HistoryGradients::Part HistoryGradients::ComputeUsers(const HistoryModel& model,
                                                      const HistoryBatch& batch,
                                                      size_t begin,
                                                      size_t end) {
  const size_t dim = model.dim;
  const size_t users = end - begin;
  float* const encoded = &encoded_[begin * dim];
  std::fill_n(encoded, users * dim, 0.0F);
  const float scale = std::exp(model.log_scale);
  const SparseRows& histories = batch.histories;
  for (size_t user = begin; user < end; ++user) {
    float* const h = &encoded_[user * dim];
    for (uint32_t i = histories.offsets[user]; i < histories.offsets[user + 1];
         ++i) {
      const size_t item = batch.inputs[histories.columns[i]];
      AddParts(scale, histories, i, model.input(item), h);
    }
    h[dim - 1] = 1;
  }
  for (size_t first = 0; first < candidates_; first += kBlock) {
    const size_t block = first / kBlock;
    Multiply({encoded, users, dim, dim, 1}, &transposed_[first * dim],
             BlockSize(block), Scores(block, begin));
  }
  Part result;
  for (size_t user = begin; user < end; ++user) {
    result.loss += ScoreGradients(batch, user);
  }
  std::vector<float> part(users * dim);
  float* const gradients = &encoded_gradients_[begin * dim];
  std::fill_n(gradients, users * dim, 0.0F);
  for (size_t first = 0; first < candidates_; first += kBlock) {
    const size_t block = first / kBlock;
    const size_t size = BlockSize(block);
    Multiply({Scores(block, begin), users, size, size, 1},
             &vectors_[first * dim], dim, part.data());
    AddScaled(1, part.data(), part.size(), gradients);
  }
  for (size_t user = 0; user < users; ++user) {
    result.log_scale +=
        std::inner_product(encoded + user * dim, encoded + (user + 1) * dim - 1,
                           gradients + user * dim, 0.0);
  }
  return result;
}

// Replaces a user's scores with the gradient of the loss by them. Returns the
// user's part of the loss.
double HistoryGradients::ScoreGradients(const HistoryBatch& batch,
                                        size_t user) {
  float highest = -HUGE_VALF;
  for (size_t first = 0; first < candidates_; first += kBlock) {
    const std::span<float> scores(Scores(first / kBlock, user),
                                  BlockSize(first / kBlock));
    if (!batch.log_probabilities.empty()) {
      AddScaled(-1, &batch.log_probabilities[first], scores.size(),
                scores.data());
    }
    highest =
        std::max(highest, *std::max_element(scores.begin(), scores.end()));
  }
  const SparseRows& targets = batch.targets;
  double weight = 0;
  double weighted_scores = 0;
  for (uint32_t i = targets.offsets[user]; i < targets.offsets[user + 1]; ++i) {
    const size_t candidate = targets.columns[i];
    weight += targets.values[i];
    weighted_scores += static_cast<double>(targets.values[i]) *
                       Scores(candidate / kBlock, user)[candidate % kBlock];
  }
  double sum = 0;
  for (size_t first = 0; first < candidates_; first += kBlock) {
    sum += Exponentiate(highest, BlockSize(first / kBlock),
                        Scores(first / kBlock, user));
  }
  const auto users = static_cast<double>(users_);
  const auto scale = static_cast<float>(weight / (sum * users));
  for (size_t first = 0; first < candidates_; first += kBlock) {
    float* const scores = Scores(first / kBlock, user);
    for (size_t i = 0; i < BlockSize(first / kBlock); ++i) scores[i] *= scale;
  }
  for (uint32_t i = targets.offsets[user]; i < targets.offsets[user + 1]; ++i) {
    const size_t candidate = targets.columns[i];
    Scores(candidate / kBlock, user)[candidate % kBlock] -=
        static_cast<float>(targets.values[i] / users);
  }
  return (weight * (highest + std::log(sum)) - weighted_scores) / users;
}

void HistoryGradients::ComputeOutputs(size_t users, size_t dim, size_t block) {
  const size_t size = BlockSize(block);
  Multiply({Scores(block, 0), size, users, 1, size}, encoded_.data(), dim,
           &outputs_[block * kBlock * dim]);
}

void HistoryGradients::ComputeInputs(const HistoryModel& model,
                                     const HistoryBatch& batch, size_t begin,
                                     size_t end) {
  const size_t dim = model.dim;
  const float scale = std::exp(model.log_scale);
  const SparseRows& by_item = batch.inputs_by_item;
  for (size_t input = begin; input < end; ++input) {
    float* const gradient = &inputs_[input * dim];
    std::fill_n(gradient, dim, 0.0F);
    for (uint32_t i = by_item.offsets[input]; i < by_item.offsets[input + 1];
         ++i) {
      AddParts(
          scale, by_item, i,
          std::span(encoded_gradients_).subspan(by_item.columns[i] * dim, dim),
          gradient);
    }
  }
}

}  // namespace tributary
