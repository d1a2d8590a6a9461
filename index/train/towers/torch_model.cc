#include "index/train/towers/torch_model.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "fmt/format.h"

namespace tributary {
namespace {

using torch::Tensor;
namespace nn = torch::nn;
namespace F = torch::nn::functional;

constexpr int64_t kItemsAtOnce = 4096;

// The scale of initial weights: values far from 0 make the first steps erratic.
void InitTable(Tensor weight) {
  const torch::NoGradGuard no_grad;
  weight.normal_(0, 1 / std::sqrt(static_cast<double>(weight.size(1))));
}

void Append(const Tensor& tensor, std::vector<float>* values) {
  const Tensor flat = tensor.detach().contiguous();
  values->insert(values->end(), flat.data_ptr<float>(),
                 flat.data_ptr<float>() + flat.numel());
}

// The last vector of each row: from [batch, length, dim] to [batch, dim].
Tensor Newest(const Tensor& vectors, const Tensor& lengths) {
  const Tensor last = (lengths - 1).clamp_min(0).view({-1, 1, 1});
  return vectors.gather(1, last.expand({-1, 1, vectors.size(2)})).squeeze(1);
}

}  // namespace

HistoryBatch BatchHistories(const std::vector<std::vector<Row>>& histories,
                            size_t max_items) {
  size_t longest = 1;
  for (const auto& history : histories) {
    longest = std::max(longest, std::min(max_items, history.size()));
  }
  std::vector<int64_t> items(histories.size() * longest);
  std::vector<int64_t> lengths;
  for (size_t i = 0; i < histories.size(); ++i) {
    const size_t length = std::min(max_items, histories[i].size());
    std::copy(histories[i].end() - static_cast<int64_t>(length),
              histories[i].end(),
              items.begin() + static_cast<int64_t>(i * longest));
    lengths.push_back(static_cast<int64_t>(length));
  }
  return {torch::tensor(items).view({-1, static_cast<int64_t>(longest)}),
          torch::tensor(lengths)};
}

HistoryModel::HistoryModel(const v1::TowerHistory& settings, double dropout,
                           int64_t items)
    : settings_(settings) {
  const int64_t dim = settings.dim();
  const int64_t ranks = settings.max_items();
  table_ = register_module("table", nn::Embedding(items, dim));
  InitTable(table_->weight);
  if (settings.encoder() == "attention") {
    attention_ = register_module("attention", nn::Linear(dim, dim));
    attention_out_ = register_parameter(
        "attention_out",
        torch::randn({dim}) / std::sqrt(static_cast<double>(dim)));
    by_rank_ = register_parameter("by_rank", torch::zeros({ranks}));
  } else if (settings.encoder() == "gru") {
    gru_ = register_module("gru",
                           nn::GRU(nn::GRUOptions(dim, dim).batch_first(true)));
  } else if (settings.encoder() == "transformer") {
    by_rank_ = register_parameter("by_rank", torch::zeros({ranks, dim}));
    for (uint32_t i = 0; i < settings.blocks(); ++i) {
      const auto options =
          nn::TransformerEncoderLayerOptions(dim, settings.heads())
              .dim_feedforward(2 * dim)
              .dropout(dropout);
      blocks_.push_back(register_module(fmt::format("block{}", i),
                                        nn::TransformerEncoderLayer(options)));
    }
  }
  if (settings.short_term_items() > 0) {
    gate_ = register_module("gate", nn::Linear(2 * dim, dim));
  }
}

Tensor HistoryModel::Pool(const Tensor& vectors, const Tensor& mask,
                          const Tensor& ranks) {
  const Tensor scores =
      torch::relu(attention_->forward(vectors)).matmul(attention_out_) +
      by_rank_.index_select(0, ranks.flatten()).view_as(ranks);
  const Tensor weights =
      torch::softmax(scores.masked_fill(mask.logical_not(), -1e9), 1);
  return (weights.unsqueeze(2) * vectors).sum(1);
}

// The result for an empty history is unspecified.
Tensor HistoryModel::Encode(const HistoryBatch& batch) {
  const Tensor vectors = table_->forward(batch.items);
  const Tensor places = torch::arange(batch.items.size(1)).unsqueeze(0);
  const Tensor mask = places < batch.lengths.unsqueeze(1);
  const Tensor ranks = (batch.lengths.unsqueeze(1) - 1 - places).clamp_min(0);
  if (settings_.encoder() == "attention") return Pool(vectors, mask, ranks);
  if (settings_.encoder() == "gru") {
    return Newest(std::get<0>(gru_->forward(vectors)), batch.lengths);
  }
  if (settings_.encoder() == "transformer") {
    // An empty history keeps one unmasked position: softmax over none is NaN.
    Tensor ignored = mask.logical_not();
    ignored.select(1, 0).fill_(false);
    Tensor x =
        vectors + by_rank_.index_select(0, ranks.flatten()).view_as(vectors);
    x = x.transpose(0, 1);
    for (auto& block : blocks_) x = block->forward(x, {}, ignored);
    return Newest(x.transpose(0, 1), batch.lengths);
  }
  const Tensor counts = batch.lengths.clamp_min(1).unsqueeze(1);
  return (vectors * mask.unsqueeze(2)).sum(1) / counts;
}

Tensor HistoryModel::Forward(const std::vector<std::vector<Row>>& histories) {
  const HistoryBatch all = BatchHistories(histories, settings_.max_items());
  Tensor encoded;
  if (settings_.short_term_items() == 0) {
    encoded = Encode(all);
  } else {
    const Tensor recent =
        Encode(BatchHistories(histories, settings_.short_term_items()));
    const Tensor mask = torch::arange(all.items.size(1)).unsqueeze(0) <
                        all.lengths.unsqueeze(1);
    const Tensor mean =
        (table_->forward(all.items) * mask.unsqueeze(2)).sum(1) /
        all.lengths.clamp_min(1).unsqueeze(1);
    const Tensor gate =
        torch::sigmoid(gate_->forward(torch::cat({recent, mean}, 1)));
    encoded = gate * recent + (1 - gate) * mean;
  }
  return encoded * (all.lengths > 0).unsqueeze(1);
}

std::vector<float> HistoryModel::Weights() const {
  std::vector<float> values;
  if (attention_) {
    Append(attention_->weight, &values);
    Append(attention_->bias, &values);
    Append(attention_out_, &values);
  }
  if (by_rank_.defined()) Append(by_rank_, &values);
  if (gru_) {
    for (const Tensor& weight : gru_->parameters()) Append(weight, &values);
  }
  for (const auto& block : blocks_) {
    const auto weights = block->named_parameters();
    for (const char* name :
         {"self_attn.in_proj_weight", "self_attn.in_proj_bias",
          "self_attn.out_proj.weight", "self_attn.out_proj.bias",
          "norm1.weight", "norm1.bias", "linear1.weight", "linear1.bias",
          "linear2.weight", "linear2.bias", "norm2.weight", "norm2.bias"}) {
      Append(weights[name], &values);
    }
  }
  if (gate_) {
    Append(gate_->weight, &values);
    Append(gate_->bias, &values);
  }
  return values;
}

SideModel::SideModel(const v1::Towers& settings, const v1::TowerSide& side,
                     const std::vector<TowerColumn>& columns,
                     int64_t more_inputs, int64_t outputs)
    : columns_(columns),
      dropout_(side.dropout()),
      input_dropout_(side.input_dropout()),
      normalize_(settings.normalize()),
      outputs_(outputs) {
  for (const TowerColumn& column : columns) {
    inputs_ += column.dim;
    tables_.emplace_back(nullptr);
    if (column.ids == 0) continue;
    tables_.back() = register_module(
        fmt::format("table{}", tables_.size()),
        nn::EmbeddingBag(nn::EmbeddingBagOptions(column.ids, column.dim)
                             .mode(torch::kMean)));
    InitTable(tables_.back()->weight);
  }
  int64_t width = inputs_ + more_inputs;
  const auto add = [&](int64_t out) {
    linears_.push_back(register_module(fmt::format("linear{}", linears_.size()),
                                       nn::Linear(width, out)));
    width = out;
  };
  for (const uint32_t hidden : side.hidden()) {
    add(hidden);
    if (!settings.batch_norm()) continue;
    norms_.push_back(register_module(fmt::format("norm{}", norms_.size()),
                                     nn::BatchNorm1d(hidden)));
  }
  add(settings.dim() * outputs);
}

Tensor SideModel::Inputs(std::span<const int64_t> rows, Random* dropping,
                         bool by_name_only) {
  std::vector<Tensor> parts;
  std::vector<int64_t> unknown;
  if (by_name_only) unknown.assign(rows.size(), -1);
  const std::span<const int64_t> all = rows;
  const auto missing = [&](int64_t row) {
    return row < 0 || (dropping != nullptr && input_dropout_ > 0 &&
                       dropping->Uniform() < input_dropout_);
  };
  for (size_t i = 0; i < columns_.size(); ++i) {
    const TowerColumn& column = columns_[i];
    rows = by_name_only && !column.by_name ? unknown : all;
    if (column.ids == 0) {
      std::vector<float> values(rows.size() * column.dim, column.missing);
      for (size_t r = 0; r < rows.size(); ++r) {
        if (missing(rows[r])) continue;
        std::copy_n(&column.values[static_cast<size_t>(rows[r]) * column.dim],
                    column.dim, &values[r * column.dim]);
      }
      parts.push_back(torch::tensor(values).view({-1, column.dim}));
      continue;
    }
    std::vector<int64_t> ids;
    std::vector<int64_t> offsets;
    for (const int64_t row : rows) {
      offsets.push_back(static_cast<int64_t>(ids.size()));
      if (!missing(row)) {
        const auto r = static_cast<size_t>(row);
        for (uint64_t k = column.offsets[r]; k < column.offsets[r + 1]; ++k) {
          ids.push_back(column.bags[k]);
        }
      }
      if (ids.size() == static_cast<size_t>(offsets.back())) ids.push_back(0);
    }
    parts.push_back(
        tables_[i]->forward(torch::tensor(ids), torch::tensor(offsets)));
  }
  if (parts.empty()) {
    return torch::zeros({static_cast<int64_t>(rows.size()), 0});
  }
  return torch::cat(parts, 1);
}

Tensor SideModel::Apply(Tensor x) {
  for (size_t i = 0; i + 1 < linears_.size(); ++i) {
    x = torch::relu(linears_[i]->forward(x));
    if (!norms_.empty()) {
      auto& norm = norms_[i];
      // A single row has no variance.
      x = x.size(0) > 1
              ? norm->forward(x)
              : F::batch_norm(x, norm->running_mean, norm->running_var,
                              F::BatchNormFuncOptions()
                                  .weight(norm->weight)
                                  .bias(norm->bias));
    }
    x = torch::dropout(x, dropout_, is_training());
  }
  x = linears_.back()->forward(x).view({x.size(0), outputs_, -1});
  return normalize_ ? F::normalize(x, F::NormalizeFuncOptions().dim(2)) : x;
}

std::vector<WeightMatrix> SideModel::Tables() const {
  std::vector<WeightMatrix> tables;
  for (const auto& table : tables_) {
    if (table) tables.push_back(ToMatrix(table->weight));
  }
  return tables;
}

std::vector<TrainedLinear> SideModel::Layers() const {
  const torch::NoGradGuard no_grad;
  std::vector<TrainedLinear> layers;
  for (size_t i = 0; i < linears_.size(); ++i) {
    Tensor weight = linears_[i]->weight;
    Tensor bias = linears_[i]->bias;
    if (i > 0 && !norms_.empty()) {
      const auto& norm = norms_[i - 1];
      const Tensor scale =
          norm->weight / (norm->running_var + norm->options.eps()).sqrt();
      bias = bias + weight.matmul(norm->bias - scale * norm->running_mean);
      weight = weight * scale;
    }
    layers.push_back({ToMatrix(weight), ToMatrix(bias).values});
  }
  return layers;
}

TwoTowers::TwoTowers(const TowerTask& task) : item_count_(task.items) {
  const v1::Towers& settings = task.settings;
  int64_t history_dim = 0;
  if (settings.history().encoder() != "none") {
    history_ = register_module(
        "history",
        std::make_shared<HistoryModel>(settings.history(),
                                       settings.user().dropout(), task.items));
    history_dim = settings.history().dim();
  }
  user_ = register_module(
      "user",
      std::make_shared<SideModel>(settings, settings.user(), task.user_columns,
                                  history_dim, settings.interests()));
  item_ = register_module("item",
                          std::make_shared<SideModel>(settings, settings.item(),
                                                      task.item_columns, 0, 1));
  log_temperature_ = torch::full({}, std::log(settings.temperature()));
  if (settings.learn_temperature()) {
    register_parameter("log_temperature", log_temperature_);
  } else {
    register_buffer("log_temperature", log_temperature_);
  }
}

Tensor TwoTowers::Users(std::span<const int64_t> rows,
                        const std::vector<std::vector<Row>>& histories,
                        Random* dropping, bool by_name_only) {
  Tensor inputs = user_->Inputs(rows, dropping, by_name_only);
  if (history_) inputs = torch::cat({history_->Forward(histories), inputs}, 1);
  return user_->Apply(inputs);
}

Tensor TwoTowers::Items(std::span<const int64_t> rows, Random* dropping) {
  return item_->Apply(item_->Inputs(rows, dropping)).squeeze(1);
}

Tensor TwoTowers::AllItems() {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < item_count_; begin += kItemsAtOnce) {
    std::vector<int64_t> rows;
    for (int64_t i = begin; i < std::min(item_count_, begin + kItemsAtOnce);
         ++i) {
      rows.push_back(i);
    }
    parts.push_back(Items(rows, nullptr));
  }
  return torch::cat(parts);
}

Tensor TwoTowers::Contexts(std::span<const int64_t> rows) {
  return user_->Inputs(rows, nullptr);
}

TrainedTowers TwoTowers::Export() const {
  TrainedTowers towers;
  if (history_) {
    towers.history_table = ToMatrix(history_->table());
    towers.history_weights = history_->Weights();
  }
  towers.user_tables = user_->Tables();
  towers.user_layers = user_->Layers();
  towers.item_tables = item_->Tables();
  towers.item_layers = item_->Layers();
  return towers;
}

WeightMatrix ToMatrix(const Tensor& tensor) {
  WeightMatrix matrix;
  matrix.rows = static_cast<uint64_t>(tensor.size(0));
  matrix.columns =
      tensor.dim() == 1 ? 1 : static_cast<uint64_t>(tensor.size(1));
  Append(tensor, &matrix.values);
  return matrix;
}

}  // namespace tributary
