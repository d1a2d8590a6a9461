#include "index/search/coded_vectors.h"

#include <algorithm>
#include <cmath>

#include "index/parallel/parallel_for.h"
#include "index/search/partition.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Vectors that the codewords are trained on; more hardly move them.
constexpr uint64_t kCodebookSample = 100'000;
constexpr uint64_t kVectorsPerPiece = 1024;

// A single list, whose centroid is the mean of all vectors.
Partition AllInOne(std::span<const float> values, uint32_t dim) {
  const uint64_t vectors = values.size() / dim;
  std::vector<double> sum(dim);
  for (size_t i = 0; i < values.size(); ++i) sum[i % dim] += values[i];
  Partition partition{std::vector<float>(dim), std::vector<uint32_t>(vectors)};
  for (uint32_t i = 0; i < dim; ++i) {
    partition.centroids[i] =
        static_cast<float>(sum[i] / static_cast<double>(vectors));
  }
  return partition;
}

void DropEmptyLists(uint32_t dim, Partition* partition) {
  const size_t lists = partition->centroids.size() / dim;
  std::vector<uint32_t> number(lists, 0);
  for (const uint32_t list : partition->list_of) number[list] = 1;
  uint32_t kept = 0;
  for (size_t list = 0; list < lists; ++list) {
    if (number[list] == 0) continue;
    std::copy_n(&partition->centroids[list * dim], dim,
                &partition->centroids[size_t{kept} * dim]);
    number[list] = kept++;
  }
  partition->centroids.resize(size_t{kept} * dim);
  for (uint32_t& list : partition->list_of) list = number[list];
}

// Assigns a slot to every vector: list after list, each from a new block.
void AssignSlots(const Partition& partition, CodedArrays* arrays) {
  const size_t lists = partition.centroids.size() / arrays->dim;
  std::vector<uint32_t> sizes(lists, 0);
  for (const uint32_t list : partition.list_of) ++sizes[list];
  arrays->blocks.assign(1, 0);
  for (const uint32_t size : sizes) {
    arrays->blocks.push_back(arrays->blocks.back() +
                             (size + kBlockItems - 1) / kBlockItems);
  }
  std::vector<uint32_t> next(lists);
  for (size_t i = 0; i < lists; ++i) next[i] = arrays->blocks[i] * kBlockItems;
  arrays->positions.assign(size_t{arrays->blocks.back()} * kBlockItems,
                           kNoPosition);
  arrays->slots.resize(partition.list_of.size());
  for (uint32_t i = 0; i < partition.list_of.size(); ++i) {
    arrays->slots[i] = next[partition.list_of[i]]++;
    arrays->positions[arrays->slots[i]] = i;
  }
}

// Computes residuals to the centroids and directions x / |x|, both padded with
// zeros to the dimensions of the codes.
class Residuals {
 public:
  Residuals(std::span<const float> values, uint32_t dim, uint32_t padded_dim,
            const Partition& partition)
      : values_(values),
        dim_(dim),
        padded_dim_(padded_dim),
        partition_(partition) {}

  // Writes padded_dim values to each array.
  void Get(uint64_t vector, float* residual, float* direction) const {
    const float* x = &values_[vector * dim_];
    const float* centroid =
        &partition_.centroids[size_t{partition_.list_of[vector]} * dim_];
    float square = 0;
    for (uint32_t i = 0; i < dim_; ++i) square += x[i] * x[i];
    const float scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (uint32_t i = 0; i < dim_; ++i) {
      residual[i] = x[i] - centroid[i];
      direction[i] = x[i] * scale;
    }
    std::fill(residual + dim_, residual + padded_dim_, 0.0f);
    std::fill(direction + dim_, direction + padded_dim_, 0.0f);
  }

 private:
  const std::span<const float> values_;
  const uint32_t dim_;
  const uint32_t padded_dim_;
  const Partition& partition_;
};

std::vector<float> LearnCodewords(const Residuals& residuals, uint64_t vectors,
                                  uint32_t dim, uint32_t code_dims,
                                  uint32_t threads) {
  const uint64_t sample = std::min(vectors, kCodebookSample);
  const size_t padded_dim = size_t{CodesFor(dim, code_dims)} * code_dims;
  std::vector<float> of_sample(sample * padded_dim);
  std::vector<float> directions(sample * padded_dim);
  for (uint64_t i = 0; i < sample; ++i) {
    residuals.Get(i * vectors / sample, &of_sample[i * padded_dim],
                  &directions[i * padded_dim]);
  }
  return TrainCodebook(dim, code_dims, of_sample, directions, threads);
}

void StoreCodes(const uint8_t* codes, uint32_t count, uint32_t slot,
                uint8_t* blocks) {
  uint8_t* block =
      blocks + size_t{slot / kBlockItems} * (count / 2) * kBlockItems;
  const uint32_t byte = CodeByte(slot % kBlockItems);
  for (uint32_t p = 0; p < count / 2; ++p) {
    block[size_t{p} * kBlockItems + byte] =
        static_cast<uint8_t>(codes[2 * p] | codes[2 * p + 1] << 4);
  }
}

void EncodeAll(const Residuals& residuals, uint32_t threads,
               CodedArrays* arrays) {
  const Codebook book{arrays->dim, arrays->code_dims, arrays->codewords};
  const uint32_t count = book.codes();
  arrays->codes.assign(arrays->positions.size() * count / 2, 0);
  ParallelFor(arrays->slots.size(), kVectorsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                std::vector<float> residual(size_t{count} * book.code_dims);
                std::vector<float> direction(residual.size());
                uint8_t codes[kMaxCodes];
                for (uint64_t i = begin; i < end; ++i) {
                  residuals.Get(i, residual.data(), direction.data());
                  EncodeResidual(book, residual.data(), direction.data(),
                                 kAnisotropy, codes);
                  StoreCodes(codes, count, arrays->slots[i],
                             arrays->codes.data());
                }
              });
}

void MeasureSpreads(std::span<const float> values, const Partition& partition,
                    CodedArrays* arrays) {
  const uint32_t dim = arrays->dim;
  std::vector<double> squares(arrays->blocks.size() - 1, 0);
  std::vector<uint32_t> sizes(squares.size(), 0);
  for (size_t i = 0; i < partition.list_of.size(); ++i) {
    const uint32_t list = partition.list_of[i];
    for (uint32_t j = 0; j < dim; ++j) {
      const double off =
          values[i * dim + j] - partition.centroids[size_t{list} * dim + j];
      squares[list] += off * off;
    }
    ++sizes[list];
  }
  arrays->spreads.resize(squares.size());
  for (size_t i = 0; i < squares.size(); ++i) {
    arrays->spreads[i] = static_cast<float>(std::sqrt(squares[i] / sizes[i]));
  }
}

}  // namespace

absl::StatusOr<CodedArrays> EncodeVectors(std::span<const float> values,
                                          uint32_t dim, uint32_t code_dims,
                                          uint32_t lists, uint32_t threads) {
  Partition partition;
  if (lists == 1 && !values.empty()) {
    partition = AllInOne(values, dim);
  } else {
    ASSIGN_OR_RETURN(partition, DivideIntoLists(values, dim, lists, threads));
  }
  DropEmptyLists(dim, &partition);
  CodedArrays arrays{};
  arrays.dim = dim;
  arrays.code_dims = code_dims;
  AssignSlots(partition, &arrays);
  MeasureSpreads(values, partition, &arrays);
  const Residuals residuals(values, dim, CodesFor(dim, code_dims) * code_dims,
                            partition);
  arrays.codewords =
      LearnCodewords(residuals, arrays.slots.size(), dim, code_dims, threads);
  EncodeAll(residuals, threads, &arrays);
  arrays.centroids = std::move(partition.centroids);
  return arrays;
}

}  // namespace tributary
