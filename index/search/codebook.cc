#include "index/search/codebook.h"

#include <algorithm>
#include <cmath>

#include "index/parallel/parallel_for.h"

namespace tributary {
namespace {

// Training alternates, as Lloyd's k-means does, between encoding the sample
// with the current codewords and moving every codeword to where the loss of the
// residuals that chose it is least. The first rounds use the plain squared
// error, in which a codeword moves to the mean; the last ones the anisotropic
// loss. There the other codes of a residual have an error along u of their own,
//
//   o = sum over the other codes of (part of r - codeword) . (part of u)
//
// With it fixed, the loss of codeword w on the parts (r, u) that chose it is
//
//   sum of |r - w|^2 + a (o + (r - w) . u)^2,  a = anisotropy - 1
//
// Its gradient is zero where w solves the normal equations
//
//   (sum of I + a u u^T) w = sum of r + a (o + r . u) u
//
// a symmetric positive definite system of code_dims equations. Systems
// accumulates both sides.
constexpr int kPlainRounds = 10;
constexpr int kAnisotropicRounds = 4;
// Sums are accumulated in this many pieces and then added in order, so that the
// result does not depend on the number of threads.
constexpr uint64_t kPieces = 16;

// The normal equations of every codeword: [code_dims][code_dims + 1], the last
// column being the right-hand side, and the number of residuals that chose it.
class Systems {
 public:
  Systems(uint32_t codes, uint32_t dims)
      : dims_(dims),
        stride_(size_t{dims} * (dims + 1) + 1),
        sums_(size_t{codes} * kCodewords * stride_) {}

  double* of(uint32_t code, uint32_t codeword) {
    return &sums_[(size_t{code} * kCodewords + codeword) * stride_];
  }

  // Adds one residual's part to the system of the codeword that it chose.
  // `others` is o above; `extra` is a, the anisotropy less one.
  void Add(uint32_t code, uint32_t codeword, const float* residual,
           const float* direction, double others, double extra) {
    double* system = of(code, codeword);
    double along = others;
    for (uint32_t i = 0; i < dims_; ++i) along += residual[i] * direction[i];
    for (uint32_t i = 0; i < dims_; ++i) {
      double* row = system + size_t{i} * (dims_ + 1);
      for (uint32_t j = 0; j < dims_; ++j) {
        row[j] += extra * direction[i] * direction[j];
      }
      row[i] += 1;
      row[dims_] += residual[i] + extra * direction[i] * along;
    }
    system[stride_ - 1] += 1;
  }

  void Join(const Systems& other) {
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  }

  // How many residuals chose the codeword.
  double takers(uint32_t code, uint32_t codeword) {
    return of(code, codeword)[stride_ - 1];
  }

  // Gaussian elimination. The system is positive definite, so that it needs no
  // pivoting. Overwrites the system.
  std::vector<double> Solve(uint32_t code, uint32_t codeword) {
    double* a = of(code, codeword);
    const size_t width = dims_ + 1;
    for (uint32_t i = 0; i < dims_; ++i) {
      for (uint32_t j = i + 1; j < dims_; ++j) {
        const double factor = a[j * width + i] / a[i * width + i];
        for (size_t k = i; k < width; ++k) {
          a[j * width + k] -= factor * a[i * width + k];
        }
      }
    }
    std::vector<double> solution(dims_);
    for (uint32_t i = dims_; i-- > 0;) {
      double sum = a[i * width + dims_];
      for (uint32_t j = i + 1; j < dims_; ++j) {
        sum -= a[i * width + j] * solution[j];
      }
      solution[i] = sum / a[i * width + i];
    }
    return solution;
  }

 private:
  const uint32_t dims_;
  const size_t stride_;
  std::vector<double> sums_;
};

struct Samples {
  std::span<const float> residuals;
  std::span<const float> directions;
  uint32_t padded_dim;
  uint64_t count() const { return residuals.size() / padded_dim; }
};

void AddSample(const Codebook& book, const float* residual,
               const float* direction, float anisotropy, Systems* systems) {
  uint8_t codes[kMaxCodes];
  EncodeResidual(book, residual, direction, anisotropy, codes);
  const uint32_t dims = book.code_dims;
  double off[kMaxCodes];
  double all = 0;
  for (uint32_t c = 0; c < book.codes(); ++c) {
    const float* codewords = &book.codewords[size_t{c} * dims * kCodewords];
    off[c] = 0;
    for (uint32_t i = 0; i < dims; ++i) {
      const uint32_t at = c * dims + i;
      off[c] += (residual[at] - codewords[i * kCodewords + codes[c]]) *
                double{direction[at]};
    }
    all += off[c];
  }
  for (uint32_t c = 0; c < book.codes(); ++c) {
    systems->Add(c, codes[c], residual + size_t{c} * dims,
                 direction + size_t{c} * dims, all - off[c], anisotropy - 1);
  }
}

// One round: encodes the samples and moves every codeword.
void Improve(const Samples& samples, uint32_t dim, uint32_t code_dims,
             float anisotropy, uint32_t threads,
             std::vector<float>* codewords) {
  const Codebook book{dim, code_dims, *codewords};
  const uint64_t piece = (samples.count() + kPieces - 1) / kPieces;
  std::vector<Systems> pieces(kPieces, Systems(book.codes(), code_dims));
  ParallelFor(samples.count(), piece, threads,
              [&](uint64_t begin, uint64_t end) {
                for (uint64_t i = begin; i < end; ++i) {
                  AddSample(book, &samples.residuals[i * samples.padded_dim],
                            &samples.directions[i * samples.padded_dim],
                            anisotropy, &pieces[begin / piece]);
                }
              });
  for (uint64_t i = 1; i < kPieces; ++i) pieces[0].Join(pieces[i]);
  for (uint32_t c = 0; c < book.codes(); ++c) {
    for (uint32_t k = 0; k < kCodewords; ++k) {
      // A codeword that no residual chose stays where it is.
      if (pieces[0].takers(c, k) == 0) continue;
      const std::vector<double> codeword = pieces[0].Solve(c, k);
      for (uint32_t i = 0; i < code_dims; ++i) {
        (*codewords)[(size_t{c} * code_dims + i) * kCodewords + k] =
            static_cast<float>(codeword[i]);
      }
    }
  }
}

}  // namespace

uint32_t DefaultCodeDims(uint32_t dim) {
  return std::max<uint32_t>(2, (dim + kMaxCodes - 1) / kMaxCodes);
}

std::vector<float> TrainCodebook(uint32_t dim, uint32_t code_dims,
                                 std::span<const float> residuals,
                                 std::span<const float> directions,
                                 uint32_t threads) {
  const uint32_t codes = CodesFor(dim, code_dims);
  const Samples samples{residuals, directions, codes * code_dims};
  std::vector<float> codewords(size_t{codes} * code_dims * kCodewords);
  // Codewords begin as parts of residuals at even distances in the sample. Each
  // code takes different residuals, as neighbours in the sample may be alike.
  for (uint32_t c = 0; c < codes; ++c) {
    for (uint32_t k = 0; k < kCodewords; ++k) {
      const uint64_t from =
          (samples.count() * k / kCodewords + c) % samples.count();
      for (uint32_t i = 0; i < code_dims; ++i) {
        codewords[(size_t{c} * code_dims + i) * kCodewords + k] =
            residuals[from * samples.padded_dim + size_t{c} * code_dims + i];
      }
    }
  }
  for (int round = 0; round < kPlainRounds; ++round) {
    Improve(samples, dim, code_dims, 1, threads, &codewords);
  }
  for (int round = 0; round < kAnisotropicRounds; ++round) {
    Improve(samples, dim, code_dims, kAnisotropy, threads, &codewords);
  }
  return codewords;
}

}  // namespace tributary
