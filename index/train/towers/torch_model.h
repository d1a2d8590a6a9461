#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/random.h"
#include "index/train/towers/tower_task.h"
#include "torch/torch.h"

namespace tributary {

// Everything here throws what LibTorch throws.

// Some histories: item rows, oldest first, as many columns as the longest.
struct HistoryBatch {
  torch::Tensor items;    // [batch, longest]; any where there is none
  torch::Tensor lengths;  // [batch]
};
HistoryBatch BatchHistories(const std::vector<std::vector<Row>>& histories,
                            size_t max_items);

// Reduces a history to one vector; to zeros if it is empty.
class HistoryModel : public torch::nn::Module {
 public:
  HistoryModel(const v1::TowerHistory& settings, double dropout, int64_t items);

  torch::Tensor Forward(const std::vector<std::vector<Row>>& histories);
  // As v1::HistoryInput.weights describes.
  std::vector<float> Weights() const;
  torch::Tensor table() const { return table_->weight; }

 private:
  torch::Tensor Encode(const HistoryBatch& batch);
  torch::Tensor Pool(const torch::Tensor& vectors, const torch::Tensor& mask,
                     const torch::Tensor& ranks);

  v1::TowerHistory settings_;
  torch::nn::Embedding table_ = nullptr;
  torch::nn::Linear attention_ = nullptr;
  torch::Tensor attention_out_;
  // attention: a bias by rank, [max_items]; transformer: [max_items, dim].
  torch::Tensor by_rank_;
  torch::nn::GRU gru_ = nullptr;
  std::vector<torch::nn::TransformerEncoderLayer> blocks_;
  torch::nn::Linear gate_ = nullptr;
};

// The part of a tower that reads columns, and its layers.
class SideModel : public torch::nn::Module {
 public:
  // Beside the columns, layers take `more_inputs` values, and give
  // `outputs` vectors of settings.dim end to end. `columns` must outlive it.
  SideModel(const v1::Towers& settings, const v1::TowerSide& side,
            const std::vector<TowerColumn>& columns, int64_t more_inputs,
            int64_t outputs);

  // The inputs of these rows, end to end. A row that is negative has none,
  // and some are dropped if `dropping` is not null.
  torch::Tensor Inputs(std::span<const int64_t> rows, Random* dropping);
  // [n, outputs, dim].
  torch::Tensor Apply(torch::Tensor inputs);

  int64_t inputs() const { return inputs_; }
  std::vector<WeightMatrix> Tables() const;
  std::vector<TrainedLinear> Layers() const;

 private:
  const std::vector<TowerColumn>& columns_;
  const double dropout_;
  const double input_dropout_;
  const bool normalize_;
  const int64_t outputs_;
  int64_t inputs_ = 0;
  // One for each column; empty for columns without ids.
  std::vector<torch::nn::EmbeddingBag> tables_;
  std::vector<torch::nn::Linear> linears_;
  // One after each linear but the last, or none.
  std::vector<torch::nn::BatchNorm1d> norms_;
};

class TwoTowers : public torch::nn::Module {
 public:
  explicit TwoTowers(const TowerTask& task);

  // [n, interests, dim]
  torch::Tensor Users(std::span<const int64_t> rows,
                      const std::vector<std::vector<Row>>& histories,
                      Random* dropping);
  // [n, dim]
  torch::Tensor Items(std::span<const int64_t> rows, Random* dropping);
  // [all items, dim], without gradients or dropping.
  torch::Tensor AllItems();
  torch::Tensor temperature() const { return log_temperature_.exp(); }

  // The weights as they are stored, without vectors and contexts.
  TrainedTowers Export() const;
  // The user's columns, end to end.
  torch::Tensor Contexts(std::span<const int64_t> rows);

 private:
  const int64_t item_count_;
  std::shared_ptr<HistoryModel> history_;
  std::shared_ptr<SideModel> user_;
  std::shared_ptr<SideModel> item_;
  torch::Tensor log_temperature_;
};

// [rows, columns] of a tensor of one or two dimensions.
WeightMatrix ToMatrix(const torch::Tensor& tensor);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_
