// Compares each pooling with a computation by hand. Tests of the trainer check
// that the trainer computes the same.
#include "index/tower/sequence_encoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using v1::HistoryInput;

HistoryInput Spec(HistoryInput::Pooling pooling, uint32_t dim) {
  HistoryInput spec;
  spec.set_pooling(pooling);
  spec.set_dim(dim);
  spec.set_max_items(3);
  spec.set_blocks(1);
  spec.set_heads(1);
  return spec;
}

std::vector<float> Encode(const HistoryInput& spec,
                          const std::vector<float>& weights,
                          const std::vector<float>& vectors) {
  const auto encoder = SequenceEncoder::Create(spec, weights, "history");
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  std::vector<float> out(spec.dim());
  encoder->Encode(vectors.data(), vectors.size() / spec.dim(), out.data());
  return out;
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(SequenceEncoder, AttentionWithEqualScoresIsTheMean) {
  const HistoryInput spec = Spec(HistoryInput::ATTENTION, 2);
  const std::vector<float> zeros(SequenceEncoder::WeightCount(spec));
  EXPECT_THAT(Encode(spec, zeros, {1, 2, 3, 4, 5, 9}),
              ElementsAre(FloatNear(3, 1e-5), FloatNear(5, 1e-5)));
}

TEST(SequenceEncoder, AttentionDependsOnRankAndContent) {
  const HistoryInput spec = Spec(HistoryInput::ATTENTION, 2);
  std::vector<float> by_rank(SequenceEncoder::WeightCount(spec));
  by_rank[8 + 1] = 50;  // c[1]: the second newest
  EXPECT_THAT(Encode(spec, by_rank, {1, 2, 3, 4, 5, 9}),
              ElementsAre(FloatNear(3, 1e-4), FloatNear(4, 1e-4)));
  std::vector<float> by_content(by_rank.size());
  by_content[1] = 1;   // W: the first hidden value is the second coordinate
  by_content[4] = -3;  // b: relu is above 0 for coordinates above 3
  by_content[6] = 50;  // v
  EXPECT_THAT(Encode(spec, by_content, {1, 9, 3, 4, 5, 2}),
              ElementsAre(FloatNear(1, 1e-4), FloatNear(9, 1e-4)));
}

TEST(SequenceEncoder, GruGoesFromOldestToNewest) {
  const HistoryInput spec = Spec(HistoryInput::GRU, 1);
  // The weights of inputs and of the state, then their biases; each for the
  // gates reset, update, new.
  const std::vector<float> w = {0.5F, -1, 2,     0.3F, 0.7F, -0.4F,
                                0.1F, 0,  -0.2F, 0.2F, 0.1F, 0.6F};
  double h = 0;
  for (const double x : {0.8, -1.5}) {
    const double reset = Sigmoid(w[0] * x + w[6] + w[3] * h + w[9]);
    const double update = Sigmoid(w[1] * x + w[7] + w[4] * h + w[10]);
    const double fresh =
        std::tanh(w[2] * x + w[8] + reset * (w[5] * h + w[11]));
    h = (1 - update) * fresh + update * h;
  }
  EXPECT_THAT(Encode(spec, w, {0.8F, -1.5F}),
              ElementsAre(FloatNear(static_cast<float>(h), 1e-5)));
}

TEST(SequenceEncoder, TransformerAddsTheAttendedItemsToTheNewest) {
  HistoryInput spec = Spec(HistoryInput::TRANSFORMER, 2);
  std::vector<float> w(SequenceEncoder::WeightCount(spec));
  // After P [3, 2] come in_proj [6, 2], whose part for values is the identity,
  // its bias, out_proj, also the identity, its bias, and norms of scale 1.
  w[6 + 8] = w[6 + 11] = 1;
  w[24] = w[27] = 1;
  w[30] = w[31] = 1;
  const size_t last_norm = w.size() - 4;
  w[last_norm] = w[last_norm + 1] = 1;
  // With equal attention, the newest item (1, 0) plus the mean (0, 2) is (1,
  // 2), which is normalised twice.
  EXPECT_THAT(Encode(spec, w, {-1, 4, 1, 0}),
              ElementsAre(FloatNear(-1, 1e-3), FloatNear(1, 1e-3)));
  w[0] = 2;  // P of the newest: (3, 0) + (1, 2)
  EXPECT_THAT(Encode(spec, w, {-1, 4, 1, 0}),
              ElementsAre(FloatNear(1, 1e-3), FloatNear(-1, 1e-3)));
}

TEST(SequenceEncoder, TheGateMixesTheNewestWithTheMeanOfAll) {
  HistoryInput spec = Spec(HistoryInput::DECAYED_MEAN, 1);
  spec.set_short_term_items(1);
  EXPECT_THAT(Encode(spec, {0, 0, 0}, {1, 2, 6}),
              ElementsAre(FloatNear((6 + 3) / 2.0F, 1e-5)));
  EXPECT_THAT(Encode(spec, {0, 0, 50}, {1, 2, 6}),
              ElementsAre(FloatNear(6, 1e-5)));
}

TEST(SequenceEncoder, RefusesWeightsThatDoNotFit) {
  HistoryInput spec = Spec(HistoryInput::TRANSFORMER, 4);
  std::vector<float> weights(SequenceEncoder::WeightCount(spec) - 1);
  EXPECT_EQ(SequenceEncoder::Create(spec, weights, "history").status().code(),
            absl::StatusCode::kInvalidArgument);
  weights.push_back(0);
  EXPECT_TRUE(SequenceEncoder::Create(spec, weights, "history").ok());
  for (const uint32_t heads : {0, 3}) {
    spec.set_heads(heads);
    EXPECT_EQ(SequenceEncoder::Create(spec, weights, "history").status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace tributary
