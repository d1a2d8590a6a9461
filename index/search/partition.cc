#include "index/search/partition.h"

#include <algorithm>
#include <numeric>

#include "fmt/core.h"
#include "index/parallel/parallel_for.h"
#include "index/search/nearest.h"

namespace tributary {
namespace {

constexpr int kRounds = 10;
// Vectors per list that the centroids are trained on; more make them hardly
// better.
constexpr uint64_t kSamplePerList = 128;
constexpr uint64_t kListsPerPiece = 16;
// When a list is split, its two centroids begin at c * (1 + kSplit) and
// c * (1 - kSplit), with the sign of kSplit alternating by dimension.
constexpr float kSplit = 1.0f / 1024;

// `size` of the vectors, at even distances.
std::vector<float> Sample(std::span<const float> values, uint32_t dim,
                          uint64_t size) {
  const uint64_t vectors = values.size() / dim;
  std::vector<float> sample(size * dim);
  for (uint64_t i = 0; i < size; ++i) {
    std::copy_n(&values[i * vectors / size * dim], dim, &sample[i * dim]);
  }
  return sample;
}

// The vectors of each list, by a counting sort: list i has vectors[begins[i]]
// to vectors[begins[i + 1]], ascending.
struct Members {
  Members(std::span<const uint32_t> list_of, uint64_t lists)
      : begins(lists + 1, 0), vectors(list_of.size()) {
    for (const uint32_t list : list_of) ++begins[list + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    std::vector<uint64_t> next(begins.begin(), begins.end() - 1);
    for (uint32_t i = 0; i < list_of.size(); ++i) {
      vectors[next[list_of[i]]++] = i;
    }
  }

  uint64_t size(uint64_t list) const { return begins[list + 1] - begins[list]; }

  std::vector<uint64_t> begins;
  std::vector<uint32_t> vectors;
};

void MoveToMeans(std::span<const float> sample, uint32_t dim,
                 const Members& members, uint32_t threads,
                 std::vector<float>* centroids) {
  ParallelFor(centroids->size() / dim, kListsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                std::vector<double> sum(dim);
                for (uint64_t list = begin; list < end; ++list) {
                  if (members.size(list) == 0) continue;
                  std::fill(sum.begin(), sum.end(), 0);
                  for (uint64_t i = members.begins[list];
                       i < members.begins[list + 1]; ++i) {
                    const float* x = &sample[size_t{members.vectors[i]} * dim];
                    for (uint32_t k = 0; k < dim; ++k) sum[k] += x[k];
                  }
                  for (uint32_t k = 0; k < dim; ++k) {
                    (*centroids)[list * dim + k] = static_cast<float>(
                        sum[k] / static_cast<double>(members.size(list)));
                  }
                }
              });
}

// Splits the largest list for every empty one, as FAISS does. Sizes after the
// split are estimates: half each.
void SplitLargest(const Members& members, uint32_t dim,
                  std::vector<float>* centroids) {
  const uint64_t lists = centroids->size() / dim;
  std::vector<uint64_t> sizes(lists);
  for (uint64_t i = 0; i < lists; ++i) sizes[i] = members.size(i);
  for (uint64_t list = 0; list < lists; ++list) {
    if (sizes[list] > 0) continue;
    const auto largest = static_cast<uint64_t>(
        std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    for (uint32_t k = 0; k < dim; ++k) {
      float& old = (*centroids)[largest * dim + k];
      const float sign = k % 2 == 0 ? 1.0f : -1.0f;
      (*centroids)[list * dim + k] = old * (1 + sign * kSplit);
      old *= 1 - sign * kSplit;
    }
    sizes[list] = sizes[largest] / 2;
    sizes[largest] -= sizes[list];
  }
}

}  // namespace

absl::StatusOr<Partition> DivideIntoLists(std::span<const float> values,
                                          uint32_t dim, uint32_t lists,
                                          uint32_t threads) {
  const uint64_t vectors = values.size() / dim;
  if (lists == 0 || vectors < lists) {
    return absl::InvalidArgumentError(fmt::format(
        "{} vectors cannot be divided into {} lists", vectors, lists));
  }
  const uint64_t size = std::min(vectors, kSamplePerList * lists);
  const std::vector<float> sample = Sample(values, dim, size);
  Partition partition{Sample(sample, dim, lists), {}};
  std::vector<uint32_t> list_of(size);
  for (int round = 0; round < kRounds; ++round) {
    FindNearest(sample, partition.centroids, dim, threads, list_of.data());
    const Members members(list_of, lists);
    MoveToMeans(sample, dim, members, threads, &partition.centroids);
    SplitLargest(members, dim, &partition.centroids);
  }
  partition.list_of.resize(vectors);
  FindNearest(values, partition.centroids, dim, threads,
              partition.list_of.data());
  return partition;
}

}  // namespace tributary
