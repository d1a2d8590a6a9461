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

// Reduces a history's vectors to one, as v1::HistoryInput describes: attention
// pooling, GRU (Cho et al. 2014, with the gates as PyTorch has them), or
// transformer (Vaswani et al. 2017, encoder layers with ReLU, normalised after
// each part), with or without a gate between short and long term (after Lv et
// al. 2019, SDM). Immutable and thread-safe.
class SequenceEncoder {
 public:
  SequenceEncoder() = default;

  // How many values spec.weights must hold.
  static uint64_t WeightCount(const v1::HistoryInput& spec);
  // Errors, beginning with `field`: INVALID_ARGUMENT for what does not fit
  // together. `weights` are those of the file, and are copied.
  static absl::StatusOr<SequenceEncoder> Create(const v1::HistoryInput& spec,
                                                std::span<const float> weights,
                                                const std::string& field);

  // Writes dim values for `count` vectors, end to end, oldest first. Allocates
  // nothing once its thread's vectors have grown. REQUIRES: 1 <= count <=
  // max_items; out does not overlap them.
  void Encode(const float* vectors, size_t count, float* out) const;

 private:
  // Of [out, in] in the file, kept as [in, out].
  struct Linear {
    size_t in = 0;
    size_t out = 0;
    std::vector<float> weights;
    std::vector<float> bias;

    void Apply(const float* inputs, size_t rows, float* outputs) const;
  };
  struct Norm {
    std::vector<float> scale;
    std::vector<float> shift;

    void Apply(float* vector) const;
  };
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
  // By rank, 0 the newest: attention: a bias; transformer: dim_ values each.
  std::vector<float> by_rank_;
  Linear gru_inputs_, gru_state_;
  std::vector<Block> blocks_;
  Linear gate_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_SEQUENCE_ENCODER_H_
