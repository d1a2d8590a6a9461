#include "index/tower/sequence_encoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fmt/core.h"
#include "index/tower/accumulate.h"
#include "index/tower/matrix_kernel.h"

namespace tributary {
namespace {

// Added to the variance, as in PyTorch's LayerNorm.
constexpr float kNormEpsilon = 1e-5F;
constexpr uint32_t kMaxBlocks = 8;
// The width of a transformer's inner layer, in multiples of dim.
constexpr size_t kWidening = 2;
// Products are fastest with a multiple of this many columns, the lanes of the
// widest SIMD vector.
constexpr size_t kColumns = 16;

void Mean(const float* vectors, size_t count, size_t dim, float* out) {
  std::fill_n(out, dim, 0.0F);
  const float share = 1 / static_cast<float>(count);
  for (size_t i = 0; i < count; ++i) {
    AddScaled(share, vectors + i * dim, dim, out);
  }
}

// Replaces scores s_i with e^s_i / sum of e^s_j, relative to the best score, so
// that nothing overflows.
void Softmax(float* scores, size_t count) {
  const float best = *std::max_element(scores, scores + count);
  for (size_t i = 0; i < count; ++i) {
    // Smaller powers of e do not change a sum that contains 1.
    scores[i] = std::max(scores[i] - best, -80.0F);
  }
  Exp(scores, count);
  const float factor = 1 / std::accumulate(scores, scores + count, 0.0F);
  for (size_t i = 0; i < count; ++i) scores[i] *= factor;
}

float Dot(const float* a, const float* b, size_t n) {
  return std::inner_product(a, a + n, b, 0.0F);
}

void Relu(float* values, size_t n) {
  for (size_t i = 0; i < n; ++i) values[i] = std::max(values[i], 0.0F);
}

}  // namespace

// Takes weights from the file's values, in the order that v1::HistoryInput
// defines. REQUIRES: there are enough of them.
class SequenceEncoder::Reader {
 public:
  explicit Reader(std::span<const float> weights) : rest_(weights) {}

  std::vector<float> Take(size_t count) {
    std::vector<float> taken(rest_.begin(),
                             rest_.begin() + static_cast<int64_t>(count));
    rest_ = rest_.subspan(count);
    return taken;
  }
  // Takes the weights of a layer without its bias, and transposes them.
  void TakeWeights(size_t in, size_t out, Linear* linear) {
    linear->in = in;
    linear->out = out;
    linear->weights.resize(in * out);
    const std::vector<float> taken = Take(in * out);
    for (size_t o = 0; o < out; ++o) {
      for (size_t i = 0; i < in; ++i) {
        linear->weights[i * out + o] = taken[o * in + i];
      }
    }
  }
  void TakeLinear(size_t in, size_t out, Linear* linear) {
    TakeWeights(in, out, linear);
    linear->bias = Take(out);
  }
  void TakeNorm(size_t dim, Norm* norm) {
    norm->scale = Take(dim);
    norm->shift = Take(dim);
  }
  void TakeBlock(size_t dim, Block* block) {
    TakeWeights(dim, dim, &block->query);
    TakeWeights(dim, 2 * dim, &block->key_value);
    block->query.bias = Take(dim);
    block->key_value.bias = Take(2 * dim);
    TakeLinear(dim, dim, &block->attended);
    TakeNorm(dim, &block->after_attention);
    TakeLinear(dim, kWidening * dim, &block->widen);
    TakeLinear(kWidening * dim, dim, &block->narrow);
    TakeNorm(dim, &block->after_layers);
  }

 private:
  std::span<const float> rest_;
};

uint64_t SequenceEncoder::WeightCount(const v1::HistoryInput& spec) {
  const uint64_t d = spec.dim();
  uint64_t count = 0;
  switch (spec.pooling()) {
    case v1::HistoryInput::ATTENTION:
      count = d * d + 2 * d + spec.max_items();
      break;
    case v1::HistoryInput::GRU:
      count = 6 * d * d + 6 * d;
      break;
    case v1::HistoryInput::TRANSFORMER:
      count =
          spec.max_items() * d +
          spec.blocks() * ((4 + 2 * kWidening) * d * d + (9 + kWidening) * d);
      break;
    default:
      break;
  }
  return count + (spec.short_term_items() > 0 ? 2 * d * d + d : 0);
}

absl::StatusOr<SequenceEncoder> SequenceEncoder::Create(
    const v1::HistoryInput& spec, std::span<const float> weights,
    const std::string& field) {
  if (weights.size() != WeightCount(spec)) {
    return absl::InvalidArgumentError(
        fmt::format("{}.weights: {} has {} values, expected {}", field,
                    spec.weights(), weights.size(), WeightCount(spec)));
  }
  SequenceEncoder encoder;
  encoder.pooling_ = spec.pooling();
  encoder.dim_ = spec.dim();
  encoder.short_term_items_ = spec.short_term_items();
  const size_t dim = spec.dim();
  Reader reader(weights);
  if (spec.pooling() == v1::HistoryInput::ATTENTION) {
    reader.TakeLinear(dim, dim, &encoder.attention_);
    encoder.attention_out_ = reader.Take(dim);
    encoder.by_rank_ = reader.Take(spec.max_items());
  } else if (spec.pooling() == v1::HistoryInput::GRU) {
    reader.TakeWeights(dim, 3 * dim, &encoder.gru_inputs_);
    reader.TakeWeights(dim, 3 * dim, &encoder.gru_state_);
    encoder.gru_inputs_.bias = reader.Take(3 * dim);
    encoder.gru_state_.bias = reader.Take(3 * dim);
  } else if (spec.pooling() == v1::HistoryInput::TRANSFORMER) {
    if (spec.heads() == 0 || dim % spec.heads() != 0 || spec.blocks() == 0 ||
        spec.blocks() > kMaxBlocks) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: heads {} and blocks {}, expected a divisor of {} and 1 to {}",
          field, spec.heads(), spec.blocks(), dim, kMaxBlocks));
    }
    encoder.heads_ = spec.heads();
    encoder.by_rank_ = reader.Take(spec.max_items() * dim);
    encoder.blocks_.resize(spec.blocks());
    for (Block& block : encoder.blocks_) reader.TakeBlock(dim, &block);
  }
  if (spec.short_term_items() > 0) {
    reader.TakeLinear(2 * dim, dim, &encoder.gate_);
  }
  return encoder;
}

void SequenceEncoder::Linear::Apply(const float* inputs, size_t rows,
                                    float* outputs) const {
  MultiplyRows(inputs, rows, in, weights.data(), bias.data(), out, outputs);
}

void SequenceEncoder::Norm::Apply(float* vector) const {
  const size_t dim = scale.size();
  const float mean =
      std::accumulate(vector, vector + dim, 0.0F) / static_cast<float>(dim);
  float squares = 0;
  for (size_t i = 0; i < dim; ++i) {
    vector[i] -= mean;
    squares += vector[i] * vector[i];
  }
  const float factor =
      1 / std::sqrt(squares / static_cast<float>(dim) + kNormEpsilon);
  for (size_t i = 0; i < dim; ++i) {
    vector[i] = vector[i] * factor * scale[i] + shift[i];
  }
}

void SequenceEncoder::Encode(const float* vectors, size_t count,
                             float* out) const {
  if (short_term_items_ == 0) return EncodeRecent(vectors, count, out);
  thread_local std::vector<float> both, gate;
  both.resize(2 * dim_);
  gate.resize(dim_);
  const size_t recent = std::min(count, short_term_items_);
  EncodeRecent(vectors + (count - recent) * dim_, recent, both.data());
  Mean(vectors, count, dim_, &both[dim_]);
  gate_.Apply(both.data(), 1, gate.data());
  Sigmoid(gate.data(), dim_);
  for (size_t i = 0; i < dim_; ++i) {
    out[i] = gate[i] * both[i] + (1 - gate[i]) * both[dim_ + i];
  }
}

void SequenceEncoder::EncodeRecent(const float* vectors, size_t count,
                                   float* out) const {
  switch (pooling_) {
    case v1::HistoryInput::ATTENTION:
      return Attend(vectors, count, out);
    case v1::HistoryInput::GRU:
      return RunGru(vectors, count, out);
    case v1::HistoryInput::TRANSFORMER:
      return Transform(vectors, count, out);
    default:
      return Mean(vectors, count, dim_, out);
  }
}

void SequenceEncoder::Attend(const float* vectors, size_t count,
                             float* out) const {
  thread_local std::vector<float> hidden, scores;
  hidden.resize(count * dim_);
  scores.resize(count);
  attention_.Apply(vectors, count, hidden.data());
  Relu(hidden.data(), hidden.size());
  for (size_t i = 0; i < count; ++i) {
    scores[i] = Dot(&hidden[i * dim_], attention_out_.data(), dim_) +
                by_rank_[count - 1 - i];
  }
  Softmax(scores.data(), count);
  std::fill_n(out, dim_, 0.0F);
  for (size_t i = 0; i < count; ++i) {
    AddScaled(scores[i], vectors + i * dim_, dim_, out);
  }
}

// The three parts of `inputs` and `state` are the gates in PyTorch's order:
// reset, update, new. The products with the inputs do not depend on the state
// and are computed for all steps at once.
void SequenceEncoder::RunGru(const float* vectors, size_t count,
                             float* out) const {
  thread_local std::vector<float> inputs, state;
  inputs.resize(count * 3 * dim_);
  state.resize(3 * dim_);
  gru_inputs_.Apply(vectors, count, inputs.data());
  std::fill_n(out, dim_, 0.0F);
  for (size_t step = 0; step < count; ++step) {
    float* const gates = &inputs[step * 3 * dim_];
    gru_state_.Apply(out, 1, state.data());
    for (size_t i = 0; i < 2 * dim_; ++i) gates[i] += state[i];
    Sigmoid(gates, 2 * dim_);
    float* const fresh = gates + 2 * dim_;
    for (size_t i = 0; i < dim_; ++i) {
      fresh[i] += gates[i] * state[2 * dim_ + i];
    }
    Tanh(fresh, dim_);
    for (size_t i = 0; i < dim_; ++i) {
      const float update = gates[dim_ + i];
      out[i] = (1 - update) * fresh[i] + update * out[i];
    }
  }
}

// Only the newest item's vector of the last block is needed. That block
// therefore has a single query, while its keys and values come from all items.
void SequenceEncoder::Transform(const float* vectors, size_t count,
                                float* out) const {
  thread_local std::vector<float> values;
  values.assign(vectors, vectors + count * dim_);
  for (size_t i = 0; i < count; ++i) {
    AddScaled(1, &by_rank_[(count - 1 - i) * dim_], dim_, &values[i * dim_]);
  }
  for (size_t b = 0; b < blocks_.size(); ++b) {
    RunBlock(blocks_[b], b + 1 == blocks_.size() ? 1 : count, &values);
  }
  std::copy(values.end() - static_cast<int64_t>(dim_), values.end(), out);
}

// Replaces the last `queries` vectors of *values with the block's output for
// them. The others are left as they are, and are read as keys and values only.
void SequenceEncoder::RunBlock(const Block& block, size_t queries,
                               std::vector<float>* values) const {
  thread_local std::vector<float> query, keys_values, attended, mixed, wide;
  const size_t count = values->size() / dim_;
  query.resize(queries * dim_);
  keys_values.resize(count * 2 * dim_);
  attended.resize(queries * dim_);
  mixed.resize(queries * dim_);
  wide.resize(queries * kWidening * dim_);
  block.key_value.Apply(values->data(), count, keys_values.data());
  float* const own = values->data() + (count - queries) * dim_;
  block.query.Apply(own, queries, query.data());
  AttendHeads(query, keys_values, attended.data());
  block.attended.Apply(attended.data(), queries, mixed.data());
  AddScaled(1, mixed.data(), mixed.size(), own);
  for (size_t q = 0; q < queries; ++q) {
    block.after_attention.Apply(own + q * dim_);
  }
  block.widen.Apply(own, queries, wide.data());
  Relu(wide.data(), wide.size());
  block.narrow.Apply(wide.data(), queries, mixed.data());
  AddScaled(1, mixed.data(), mixed.size(), own);
  for (size_t q = 0; q < queries; ++q) block.after_layers.Apply(own + q * dim_);
}

// Multi-head attention. For each head, with its head_dim columns of the queries
// Q, keys K and values V,
//
//   out = softmax(Q K^T / sqrt(head_dim)) V
//
// as two matrix products. `queries` is [*, dim_], and a row of `keys_values` is
// a key followed by a value. The number of keys is padded to a multiple of
// kColumns: the padding of the scores is multiplied with values of 0.
void SequenceEncoder::AttendHeads(std::span<const float> queries,
                                  std::span<const float> keys_values,
                                  float* out) const {
  thread_local std::vector<float> query, key, value, scores, mixed, zeros;
  const size_t rows = queries.size() / dim_;
  const size_t count = keys_values.size() / (2 * dim_);
  const size_t padded = (count + kColumns - 1) / kColumns * kColumns;
  const size_t head_dim = dim_ / heads_;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  query.resize(rows * head_dim);
  key.assign(head_dim * padded, 0);
  value.assign(padded * head_dim, 0);
  scores.resize(rows * padded);
  mixed.resize(rows * head_dim);
  zeros.assign(std::max(padded, head_dim), 0);
  for (size_t begin = 0; begin < dim_; begin += head_dim) {
    for (size_t i = 0; i < rows; ++i) {
      for (size_t d = 0; d < head_dim; ++d) {
        query[i * head_dim + d] = scale * queries[i * dim_ + begin + d];
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const float* const row = &keys_values[i * 2 * dim_ + begin];
      for (size_t d = 0; d < head_dim; ++d) key[d * padded + i] = row[d];
      std::copy_n(row + dim_, head_dim, &value[i * head_dim]);
    }
    MultiplyRows(query.data(), rows, head_dim, key.data(), zeros.data(), padded,
                 scores.data());
    for (size_t i = 0; i < rows; ++i) Softmax(&scores[i * padded], count);
    MultiplyRows(scores.data(), rows, padded, value.data(), zeros.data(),
                 head_dim, mixed.data());
    for (size_t i = 0; i < rows; ++i) {
      std::copy_n(&mixed[i * head_dim], head_dim, out + i * dim_ + begin);
    }
  }
}

}  // namespace tributary
