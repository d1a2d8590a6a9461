#include "index/search/coded_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

CodedArrays Encoded(const std::vector<float>& values, uint32_t dim,
                    uint32_t lists, uint32_t threads = 1) {
  auto arrays =
      EncodeVectors(values, dim, DefaultCodeDims(dim), lists, threads);
  EXPECT_TRUE(arrays.ok()) << arrays.status();
  return *std::move(arrays);
}

uint32_t ListOf(const CodedArrays& arrays, uint32_t slot) {
  uint32_t list = 0;
  while (slot / kBlockItems >= arrays.blocks[list + 1]) ++list;
  return list;
}

// Checks that slots and positions are inverse to each other, that lists are
// filled from their start, and that none is empty.
void ExpectOneSlotEach(const CodedArrays& arrays, size_t vectors) {
  ASSERT_THAT(arrays.slots, SizeIs(vectors));
  const size_t lists = arrays.spreads.size();
  ASSERT_THAT(arrays.blocks, SizeIs(lists + 1));
  ASSERT_EQ(arrays.blocks.front(), 0);
  ASSERT_THAT(arrays.positions, SizeIs(arrays.blocks.back() * kBlockItems));
  ASSERT_THAT(arrays.centroids, SizeIs(lists * arrays.dim));
  for (uint32_t i = 0; i < vectors; ++i) {
    ASSERT_LT(arrays.slots[i], arrays.positions.size());
    ASSERT_EQ(arrays.positions[arrays.slots[i]], i);
  }
  size_t filled = 0;
  for (uint32_t list = 0; list < lists; ++list) {
    uint32_t slot = arrays.blocks[list] * kBlockItems;
    const uint32_t end = arrays.blocks[list + 1] * kBlockItems;
    ASSERT_LT(slot, end) << "list " << list << " has no block";
    ASSERT_NE(arrays.positions[slot], kNoPosition) << "list " << list;
    for (; slot < end && arrays.positions[slot] != kNoPosition; ++slot) {
      ++filled;
    }
    ASSERT_GT(slot, end - kBlockItems)
        << "list " << list << " has a block more";
    for (; slot < end; ++slot) {
      ASSERT_EQ(arrays.positions[slot], kNoPosition);
    }
  }
  ASSERT_EQ(filled, vectors);
}

// The vector that its codes and its list's centroid decode to.
std::vector<float> Decoded(const CodedArrays& arrays, uint32_t vector) {
  const Codebook book = arrays.view().book;
  const uint32_t slot = arrays.slots[vector];
  const uint8_t* block = &arrays.codes[size_t{slot / kBlockItems} *
                                       (book.codes() / 2) * kBlockItems];
  std::vector<float> decoded(book.codes() * book.code_dims);
  for (uint32_t c = 0; c < book.codes(); ++c) {
    const uint8_t byte =
        block[c / 2 * kBlockItems + CodeByte(slot % kBlockItems)];
    const uint32_t codeword = c % 2 == 0 ? byte % 16 : byte / 16;
    for (uint32_t i = 0; i < book.code_dims; ++i) {
      const uint32_t at = c * book.code_dims + i;
      decoded[at] = book.codewords[at * kCodewords + codeword];
    }
  }
  decoded.resize(arrays.dim);
  const float* centroid =
      &arrays.centroids[size_t{ListOf(arrays, slot)} * arrays.dim];
  for (uint32_t i = 0; i < arrays.dim; ++i) decoded[i] += centroid[i];
  return decoded;
}

double MeanSquareError(const CodedArrays& arrays,
                       const std::vector<float>& values) {
  double sum = 0;
  for (uint32_t i = 0; i < arrays.slots.size(); ++i) {
    const auto decoded = Decoded(arrays, i);
    for (uint32_t k = 0; k < arrays.dim; ++k) {
      const double off = decoded[k] - values[size_t{i} * arrays.dim + k];
      sum += off * off;
    }
  }
  return sum / static_cast<double>(arrays.slots.size());
}

TEST(EncodeVectors, GivesEveryVectorOneSlotAndBack) {
  for (const size_t vectors : {1, 2, 63, 64, 65, 1000}) {
    const auto values = RandomVectors(vectors, 6, 1);
    for (const uint32_t lists : {1, 2, 20}) {
      if (lists > vectors) continue;
      SCOPED_TRACE(testing::Message() << vectors << " in " << lists);
      ASSERT_NO_FATAL_FAILURE(
          ExpectOneSlotEach(Encoded(values, 6, lists), vectors));
    }
  }
}

TEST(EncodeVectors, StoresCodesThatDecodeToTheVectors) {
  for (const uint32_t dim : {1, 2, 3, 7, 64, 130, 600}) {
    const auto values = MixtureVectors(700, dim, 10, 1);
    // Two bits per value leave an eighth of the variance, and anisotropy adds
    // to that. Centroids alone would leave all of it.
    const CodedArrays scan = Encoded(values, dim, 1);
    double variance = double{scan.spreads[0]} * scan.spreads[0];
    EXPECT_LT(MeanSquareError(scan, values), 0.25 * variance) << dim;
    const CodedArrays ivf = Encoded(values, dim, 10);
    variance = 0;
    for (const float spread : ivf.spreads) {
      variance = std::max(variance, double{spread} * spread);
    }
    EXPECT_LE(MeanSquareError(ivf, values), 0.35 * variance + 1e-9) << dim;
  }
}

TEST(EncodeVectors, HasTheLeastErrorAlongTheVectorsThemselves) {
  constexpr uint32_t kDim = 32;
  const auto values = MixtureVectors(1000, kDim, 10, 1);
  for (const uint32_t lists : {1, 10}) {
    const CodedArrays arrays = Encoded(values, kDim, lists);
    double along = 0;
    double all = 0;
    for (uint32_t i = 0; i < 1000; ++i) {
      const auto decoded = Decoded(arrays, i);
      double product = 0;
      for (uint32_t k = 0; k < kDim; ++k) {
        const double off = decoded[k] - values[i * kDim + k];
        product += off * values[i * kDim + k];
        all += off * off;
      }
      along += product * product;
    }
    // If errors were alike in all directions, it would be all / kDim.
    EXPECT_LT(along, 0.5 * all / kDim) << lists << " lists";
  }
}

TEST(EncodeVectors, MeasuresHowFarVectorsLieFromTheirCentroid) {
  const auto values = MixtureVectors(900, 5, 7, 1);
  const CodedArrays arrays = Encoded(values, 5, 7);
  for (uint32_t list = 0; list < arrays.spreads.size(); ++list) {
    double sum = 0;
    int count = 0;
    for (uint32_t i = 0; i < 900; ++i) {
      if (ListOf(arrays, arrays.slots[i]) != list) continue;
      ++count;
      for (uint32_t k = 0; k < 5; ++k) {
        const double off =
            double{values[i * 5 + k]} - arrays.centroids[list * 5 + k];
        sum += off * off;
      }
    }
    EXPECT_NEAR(arrays.spreads[list], std::sqrt(sum / count), 1e-6);
  }
}

TEST(EncodeVectors, OfOneListIsAroundTheMean) {
  const CodedArrays arrays = Encoded({1, 2, 3, 4, 8, 0}, 2, 1);
  EXPECT_EQ(arrays.centroids, (std::vector<float>{4, 2}));
}

TEST(EncodeVectors, IsTheSameForAnyNumberOfThreads) {
  const auto values = MixtureVectors(4000, 12, 20, 1);
  for (const uint32_t lists : {1, 30}) {
    const CodedArrays one = Encoded(values, 12, lists, 1);
    for (const uint32_t threads : {2, 3}) {
      const CodedArrays more = Encoded(values, 12, lists, threads);
      EXPECT_EQ(more.centroids, one.centroids);
      EXPECT_EQ(more.blocks, one.blocks);
      EXPECT_EQ(more.spreads, one.spreads);
      EXPECT_EQ(more.positions, one.positions);
      EXPECT_EQ(more.slots, one.slots);
      EXPECT_EQ(more.codewords, one.codewords);
      EXPECT_EQ(more.codes, one.codes);
    }
  }
}

TEST(EncodeVectors, DropsEmptyLists) {
  // Three different vectors make no more than three lists.
  std::vector<float> values;
  for (int i = 0; i < 300; ++i) {
    values.insert(values.end(), {i % 3 == 0 ? 1.0f : 0, i % 3 == 1 ? 1.0f : 0});
  }
  const CodedArrays arrays = Encoded(values, 2, 40);
  EXPECT_LE(arrays.spreads.size(), 40);
  EXPECT_GE(arrays.spreads.size(), 3);
  ASSERT_NO_FATAL_FAILURE(ExpectOneSlotEach(arrays, 300));
  EXPECT_NEAR(MeanSquareError(arrays, values), 0, 1e-6);
}

TEST(EncodeVectors, TakesVectorsThatAreEqualOrZero) {
  for (const float value : {0.0f, -3.0f}) {
    const std::vector<float> values(100 * 3, value);
    for (const uint32_t lists : {1, 8}) {
      const CodedArrays arrays = Encoded(values, 3, lists);
      EXPECT_THAT(arrays.spreads, SizeIs(1));
      ASSERT_NO_FATAL_FAILURE(ExpectOneSlotEach(arrays, 100));
      EXPECT_NEAR(MeanSquareError(arrays, values), 0, 1e-4);
    }
  }
}

TEST(EncodeVectors, RefusesNoVectorsAndMoreListsThanVectors) {
  EXPECT_EQ(EncodeVectors({}, 4, 2, 1, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodeVectors(RandomVectors(3, 4, 1), 4, 2, 4, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tributary
