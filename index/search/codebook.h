#ifndef TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_
#define TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/search/code_scan.h"

namespace tributary {

// Product quantisation with anisotropic loss.
//
// Product quantisation (Jégou, Douze, Schmid, "Product Quantization for Nearest
// Neighbor Search", TPAMI 2011) cuts a vector into C parts of code_dims values
// and replaces each part by the index of one of 16 codewords, a *code* of four
// bits. The codewords of the C parts are the codebook. Here it quantises
// residuals r = x - centroid; the inner product with a query q is then
// approximated by table lookups,
//
//   q . r ~ sum over c of T[c][code[c]],  T[c][k] = (part c of q) . codeword
//   c,k
//
// which code_scan.h does for many items at once.
//
// The loss. Nearest codewords minimise the error e = r - decoded(r) in every
// direction alike. But an item matters only to queries that it scores high for,
// and those point in its own direction u = x / |x|: an error along u changes
// the scores that matter, an error across u hardly does. ScaNN (Guo et al.,
// "Accelerating Large-Scale Inference with Anisotropic Vector Quantization",
// ICML 2020) therefore weighs the two apart:
//
//   loss(e) = |e across u|^2 + anisotropy |e along u|^2
//           = |e|^2 + (anisotropy - 1) (e . u)^2
//
// The second term couples the parts, so that codes cannot be chosen one by one;
// EncodeResidual and TrainCodebook say how they are.
//
// A view. Every function below is thread-safe.
struct Codebook {
  // Values of a vector, and values per code.
  uint32_t dim;
  uint32_t code_dims;
  // [codes][code_dims][kCodewords]. Dimensions from `dim` on are padding: 0.
  std::span<const float> codewords;

  uint32_t codes() const {
    return static_cast<uint32_t>(codewords.size() /
                                 (size_t{code_dims} * kCodewords));
  }
};

// The number of codes of a vector: dim / code_dims, rounded up to an even
// number because codes are stored in pairs.
inline uint32_t CodesFor(uint32_t dim, uint32_t code_dims) {
  const uint32_t codes = (dim + code_dims - 1) / code_dims;
  return codes + codes % 2;
}

// The smallest code_dims of at least 2 with which a vector needs at most
// kMaxCodes codes.
uint32_t DefaultCodeDims(uint32_t dim);

// The weight of the squared error along the vector relative to that across it,
// at least 1; 1 is the plain squared error.
inline constexpr float kAnisotropy = 4;

// Writes codes() codes, each 0 to 15, whose loss (see above) no change of a
// single code reduces (unless three rounds of changes did not suffice).
// `direction` is the vector's direction u, of length 1, or zeros. Both arrays
// have padded_dim = code_dims * codes() values, 0 from dim on.
void EncodeResidual(const Codebook& book, const float* residual,
                    const float* direction, float anisotropy, uint8_t* codes);

// Learns codewords, laid out as Codebook::codewords, that minimise the loss on
// a sample of residuals with their directions, both [count, padded_dim]. The
// result does not depend on the number of threads. REQUIRES: count > 0.
std::vector<float> TrainCodebook(uint32_t dim, uint32_t code_dims,
                                 std::span<const float> residuals,
                                 std::span<const float> directions,
                                 uint32_t threads);

// The tables T of a query, rounded to bytes: with m[c] = min over k of T[c][k],
//
//   entries[c][k] = round((T[c][k] - m[c]) * scale),  offset = sum of m[c]
//
// so that q . r is about (sum of an item's entries) / scale + offset.
struct QueryTables {
  // [codes][kCodewords], 0 to kMaxEntry.
  std::vector<uint8_t> entries;
  // One for all codes, so that entries add up.
  float scale;
  float offset;
};

// `query` has padded_dim values. The scale is the largest with which every
// entry is at most kMaxEntry, but no larger than max_scale, which is finite.
void MakeTables(const Codebook& book, const float* query, float max_scale,
                QueryTables* tables);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODEBOOK_H_
