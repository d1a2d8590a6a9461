#ifndef TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_
#define TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/search/code_scan.h"

namespace tributary {

// Product quantisation (Jégou et al. 2011) by 16 words for every code_dims
// values of a vector. A view; every function is thread-safe.
struct Codebook {
  uint32_t dim;
  uint32_t code_dims;
  // [codes][code_dims][kCodeWords]; what lies beyond dim is zero.
  std::span<const float> words;

  uint32_t codes() const {
    return static_cast<uint32_t>(words.size() /
                                 (size_t{code_dims} * kCodeWords));
  }
};

// As many codes as a vector takes, and one more if that is odd.
inline uint32_t CodesFor(uint32_t dim, uint32_t code_dims) {
  const uint32_t codes = (dim + code_dims - 1) / code_dims;
  return codes + codes % 2;
}

// The smallest number, 2 or more, by which no more than kMaxCodes are needed.
uint32_t DefaultCodeDims(uint32_t dim);

// What a vector is off in the direction of itself counts this much more than
// what it is off across, as the queries that matter lie in that direction
// (anisotropic loss, Guo et al. 2020). 1: no difference.
inline constexpr float kAnisotropy = 4;

// Writes codes() codes, the words nearest to `residual` by the loss above.
// `direction` is of length one, or zero. Each has padded_dim = code_dims *
// codes() values, zero beyond dim.
void EncodeResidual(const Codebook& book, const float* residual,
                    const float* direction, float anisotropy, uint8_t* codes);

// Words for residuals like the `count` given, with their directions, each
// [count][padded_dim]. Deterministic, whatever the number of threads.
std::vector<float> TrainCodebook(uint32_t dim, uint32_t code_dims,
                                 std::span<const float> residuals,
                                 std::span<const float> directions,
                                 uint32_t threads);

// A query's tables. An item's inner product with the query is about
// (sum of entries) / scale + offset.
struct QueryTables {
  std::vector<uint8_t> entries;
  float scale;
  float offset;
};

// `query` has padded_dim values. At most max_scale is the scale, which is
// finite.
void MakeTables(const Codebook& book, const float* query, float max_scale,
                QueryTables* tables);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_
