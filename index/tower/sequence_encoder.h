#ifndef TRIBUTARY_INDEX_TOWER_SEQUENCE_ENCODER_H_
#define TRIBUTARY_INDEX_TOWER_SEQUENCE_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Pools the vectors e_1, ..., e_n of a history, oldest first, into one, with
// trained weights, as v1::HistoryInput::Pooling defines. The rank of e_i is
// n - i, 0 being the newest.
//
//   ATTENTION    sum of softmax(s)_i e_i  with  s_i = v . relu(W e_i + b) +
//   c_rank
//                (additive attention: Bahdanau, Cho, Bengio 2015)
//   GRU          the last state h_n of (Cho et al. 2014, gates as in PyTorch)
//                  r = sigmoid(W_r e + b_r + U_r h + b'_r)
//                  z = sigmoid(W_z e + b_z + U_z h + b'_z)
//                  g = tanh(W_g e + b_g + r * (U_g h + b'_g))
//                  h <- (1 - z) * g + z * h,  from h = 0
//   TRANSFORMER  the newest item's vector after encoder blocks over
//                e_i + P_rank (Vaswani et al. 2017, SASRec: Kang, McAuley
//                2018), each, with layer normalisation after each half,
//                  x <- Norm(x + MultiHeadAttention(x))
//                  x <- Norm(x + W' relu(W x + b) + b')
//   others       the mean
//
// With short_term_items > 0, only that many newest items are pooled in this
// way, giving s. A gate then mixes s with the mean m of the whole history, the
// long term (after SDM: Lv et al. 2019):
//
//   out = g * s + (1 - g) * m,  g = sigmoid(G [s, m] + b)
//
// Immutable and thread-safe.
class SequenceEncoder {
 public:
  SequenceEncoder() = default;

  // The number of values in the file spec.weights; 0 if the spec needs none.
  static uint64_t WeightCount(const v1::HistoryInput& spec);
  // Copies `weights`, the values of the file. INVALID_ARGUMENT, beginning with
  // `field`, when their number or the heads or blocks do not fit.
  static absl::StatusOr<SequenceEncoder> Create(const v1::HistoryInput& spec,
                                                std::span<const float> weights,
                                                const std::string& field);

  // Writes the `dim` values of the pooled vector of `count` vectors, which are
  // stored end to end, oldest first. Allocates nothing once buffers of the
  // thread have grown. REQUIRES: 1 <= count <= max_items; `out` does not
  // overlap `vectors`.
  void Encode(const float* vectors, size_t count, float* out) const;

 private:
  // A linear layer. The weights are [out, in] in the file and [in, out] here:
  // see MultiplyRows.
  struct Linear {
    size_t in = 0;
    size_t out = 0;
    std::vector<float> weights;
    std::vector<float> bias;

    void Apply(const float* inputs, size_t rows, float* outputs) const;
  };
  // Layer normalisation (Ba, Kiros, Hinton 2016).
  struct Norm {
    std::vector<float> scale;
    std::vector<float> shift;

    void Apply(float* vector) const;
  };
  // A transformer block, in the order of its computation.
  struct Block {
    Linear query, key_value, attended, widen, narrow;
    Norm after_attention, after_layers;
  };
  class Reader;

  void Attend(const float* vectors, size_t count, float* out) const;
  void RunGru(const float* vectors, size_t count, float* out) const;
  void Transform(const float* vectors, size_t count, float* out) const;
  void RunBlock(const Block& block, size_t queries,
                std::vector<float>* vectors) const;
  void AttendHeads(std::span<const float> queries,
                   std::span<const float> keys_values, float* out) const;
  void EncodeRecent(const float* vectors, size_t count, float* out) const;

  v1::HistoryInput::Pooling pooling_ = v1::HistoryInput::POOLING_UNSPECIFIED;
  size_t dim_ = 0;
  size_t heads_ = 1;
  size_t short_term_items_ = 0;
  Linear attention_;
  std::vector<float> attention_out_;
  // By rank: ATTENTION: the bias c; TRANSFORMER: the dim_ values of P.
  std::vector<float> by_rank_;
  Linear gru_inputs_, gru_state_;
  std::vector<Block> blocks_;
  Linear gate_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_SEQUENCE_ENCODER_H_
