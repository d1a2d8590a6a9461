#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/random.h"
#include "index/train/towers/tower_task.h"
#include "torch/torch.h"

namespace tributary {

// The two towers as LibTorch modules. Every function throws what LibTorch
// throws.

// A batch of histories: item rows, oldest first, padded to the longest.
struct HistoryBatch {
  torch::Tensor items;    // [batch, longest]; any where there is none
  torch::Tensor lengths;  // [batch]
};
HistoryBatch BatchHistories(const std::vector<std::vector<Row>>& histories,
                            size_t max_items);

// Encodes a history as one vector; an empty history as zeros.
class HistoryModel : public torch::nn::Module {
 public:
  HistoryModel(const v1::TowerHistory& settings, double dropout, int64_t items);

  torch::Tensor Forward(const std::vector<std::vector<Row>>& histories);
  // The weights in the order of v1::HistoryInput.weights.
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
  // For attention a bias by rank, [max_items]; for a transformer position
  // vectors, [max_items, dim].
  torch::Tensor by_rank_;
  torch::nn::GRU gru_ = nullptr;
  std::vector<torch::nn::TransformerEncoderLayer> blocks_;
  torch::nn::Linear gate_ = nullptr;
};

// One tower: the inputs that read columns, then layers.
class SideModel : public torch::nn::Module {
 public:
  // The layers read the columns' values and `more_inputs` further values, and
  // return `outputs` vectors of settings.dim, concatenated. `columns` must
  // outlive the tower.
  SideModel(const v1::Towers& settings, const v1::TowerSide& side,
            const std::vector<TowerColumn>& columns, int64_t more_inputs,
            int64_t outputs);

  // The concatenated inputs of these rows. A negative row has no inputs. Drops
  // some at random if `dropping` is not null. `by_name_only`: rows have only
  // the inputs that requests can bring.
  torch::Tensor Inputs(std::span<const int64_t> rows, Random* dropping,
                       bool by_name_only = false);
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
  // An embedding for each column; empty for columns without ids.
  std::vector<torch::nn::EmbeddingBag> tables_;
  std::vector<torch::nn::Linear> linears_;
  // A batch norm after each linear layer but the last, or none at all.
  std::vector<torch::nn::BatchNorm1d> norms_;
};

class TwoTowers : public torch::nn::Module {
 public:
  explicit TwoTowers(const TowerTask& task);

  // [n, interests, dim]
  torch::Tensor Users(std::span<const int64_t> rows,
                      const std::vector<std::vector<Row>>& histories,
                      Random* dropping, bool by_name_only = false);
  // [n, dim]
  torch::Tensor Items(std::span<const int64_t> rows, Random* dropping);
  // [all items, dim], without gradients or dropout.
  torch::Tensor AllItems();
  torch::Tensor temperature() const { return log_temperature_.exp(); }

  // The weights as the bundle stores them, without vectors and contexts.
  TrainedTowers Export() const;
  // The user's columns, concatenated.
  torch::Tensor Contexts(std::span<const int64_t> rows);

 private:
  const int64_t item_count_;
  std::shared_ptr<HistoryModel> history_;
  std::shared_ptr<SideModel> user_;
  std::shared_ptr<SideModel> item_;
  torch::Tensor log_temperature_;
};

// Converts a tensor of one or two dimensions to [rows, columns].
WeightMatrix ToMatrix(const torch::Tensor& tensor);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODEL_H_
