// What encoding a user costs the server: a history of 50 items of 64
// dimensions, then a linear layer to 64, for each kind of history.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "index/tower/sequence_encoder.h"
#include "index/tower/user_tower.h"
#include "tests/index/tower/tower_bundle.h"

namespace tributary {
namespace {

using v1::HistoryInput;

constexpr uint32_t kDim = 64;
constexpr uint32_t kItems = 50;

// Small numbers of both signs; what they are does not matter.
std::vector<float> Numbers(uint64_t n) {
  std::vector<float> numbers;
  for (uint64_t i = 0; i < n; ++i) {
    numbers.push_back(static_cast<float>(i * 7919 % 101) / 500.0F - 0.1F);
  }
  return numbers;
}

void Encode(benchmark::State& state, HistoryInput::Pooling pooling,
            uint32_t blocks, uint32_t short_term_items) {
  TowerBundle files;
  files.manifest.mutable_spaces(0)->set_dim(kDim);
  HistoryInput& history = *files.tower().mutable_history();
  history.set_dim(kDim);
  history.set_max_items(kItems);
  history.clear_decays();
  history.set_pooling(pooling);
  history.set_blocks(blocks);
  history.set_heads(2);
  history.set_short_term_items(short_term_items);
  history.set_weights("weights.npy");
  v1::Layer& layer = files.AddLayer(v1::Layer::LINEAR);
  layer.set_weights("linear.npy");
  layer.set_bias("bias.npy");
  files.AddLayer(v1::Layer::L2_NORMALIZE);
  files.arrays = {
      {"taste.items", {Numbers(5 * kDim), kDim}},
      {"taste.history", {Numbers(5 * kDim), kDim}},
      {"weights", {Numbers(SequenceEncoder::WeightCount(history)), 0}},
      {"linear", {Numbers(kDim * kDim), kDim}},
      {"bias", {Numbers(kDim), 0}}};
  const auto bundle = files.Open();
  const auto tower = UserTower::Open(*bundle, bundle->spaces()[0]);
  if (!tower.ok()) {
    state.SkipWithError(std::string(tower.status().message()).c_str());
    return;
  }
  std::vector<Row> rows;
  for (Row i = 0; i < kItems; ++i) rows.push_back(i % 5);
  std::vector<float> vectors;
  for (auto _ : state) {
    (*tower)->Encode(0, rows, &vectors);
    benchmark::DoNotOptimize(vectors.data());
  }
}

BENCHMARK_CAPTURE(Encode, mean, HistoryInput::DECAYED_MEAN, 0, 0);
BENCHMARK_CAPTURE(Encode, attention, HistoryInput::ATTENTION, 0, 0);
BENCHMARK_CAPTURE(Encode, gru, HistoryInput::GRU, 0, 0);
BENCHMARK_CAPTURE(Encode, gru_gated, HistoryInput::GRU, 0, 10);
BENCHMARK_CAPTURE(Encode, transformer_1_block, HistoryInput::TRANSFORMER, 1, 0);
BENCHMARK_CAPTURE(Encode, transformer_2_blocks, HistoryInput::TRANSFORMER, 2,
                  0);

}  // namespace
}  // namespace tributary
