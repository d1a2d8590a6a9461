#include "index/search/codebook.h"

#include <algorithm>
#include <cmath>

#include "index/parallel/parallel_for.h"

namespace tributary {
namespace {

constexpr int kPlainRounds = 10;
constexpr int kAnisotropicRounds = 4;
constexpr uint64_t kPieces = 16;

// For one word, the linear system whose solution has the least loss on what
// takes it: [code_dims][code_dims + 1], and how many do.
class Systems {
 public:
  Systems(uint32_t codes, uint32_t dims)
      : dims_(dims),
        stride_(size_t{dims} * (dims + 1) + 1),
        sums_(size_t{codes} * kCodeWords * stride_) {}

  double* of(uint32_t code, uint32_t word) {
    return &sums_[(size_t{code} * kCodeWords + word) * stride_];
  }

  // `extra` is the anisotropy less one; `others` what the other codes are off
  // along the direction.
  void Add(uint32_t code, uint32_t word, const float* residual,
           const float* direction, double others, double extra) {
    double* system = of(code, word);
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

  double takers(uint32_t code, uint32_t word) {
    return of(code, word)[stride_ - 1];
  }

  // Gaussian elimination; the systems are positive definite.
  std::vector<double> Solve(uint32_t code, uint32_t word) {
    double* a = of(code, word);
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
    const float* words = &book.words[size_t{c} * dims * kCodeWords];
    off[c] = 0;
    for (uint32_t i = 0; i < dims; ++i) {
      const uint32_t at = c * dims + i;
      off[c] += (residual[at] - words[i * kCodeWords + codes[c]]) *
                double{direction[at]};
    }
    all += off[c];
  }
  for (uint32_t c = 0; c < book.codes(); ++c) {
    systems->Add(c, codes[c], residual + size_t{c} * dims,
                 direction + size_t{c} * dims, all - off[c], anisotropy - 1);
  }
}

// Moves every word to where the loss of what takes it is least.
void Improve(const Samples& samples, uint32_t dim, uint32_t code_dims,
             float anisotropy, uint32_t threads, std::vector<float>* words) {
  const Codebook book{dim, code_dims, *words};
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
    for (uint32_t k = 0; k < kCodeWords; ++k) {
      // A word that nothing takes stays as it is.
      if (pieces[0].takers(c, k) == 0) continue;
      const std::vector<double> word = pieces[0].Solve(c, k);
      for (uint32_t i = 0; i < code_dims; ++i) {
        (*words)[(size_t{c} * code_dims + i) * kCodeWords + k] =
            static_cast<float>(word[i]);
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
  std::vector<float> words(size_t{codes} * code_dims * kCodeWords);
  // To begin with, words are residuals spread over the sample; for each code
  // others, as neighbours in the sample may be alike.
  for (uint32_t c = 0; c < codes; ++c) {
    for (uint32_t k = 0; k < kCodeWords; ++k) {
      const uint64_t from =
          (samples.count() * k / kCodeWords + c) % samples.count();
      for (uint32_t i = 0; i < code_dims; ++i) {
        words[(size_t{c} * code_dims + i) * kCodeWords + k] =
            residuals[from * samples.padded_dim + size_t{c} * code_dims + i];
      }
    }
  }
  for (int round = 0; round < kPlainRounds; ++round) {
    Improve(samples, dim, code_dims, 1, threads, &words);
  }
  for (int round = 0; round < kAnisotropicRounds; ++round) {
    Improve(samples, dim, code_dims, kAnisotropy, threads, &words);
  }
  return words;
}

}  // namespace tributary
