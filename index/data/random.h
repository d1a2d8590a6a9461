#ifndef TRIBUTARY_INDEX_DATA_RANDOM_H_
#define TRIBUTARY_INDEX_DATA_RANDOM_H_

#include <cstdint>
#include <random>
#include <string_view>

namespace tributary {

// Random numbers that are equal for every standard library, unlike those of
// std::normal_distribution and the like. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // Uniform in (0, 1).
  double Uniform() {
    return (static_cast<double>(engine_() >> 11) + 0.5) / 9007199254740992.0;
  }
  // Uniform in [0, n). REQUIRES: n > 0.
  uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>(Uniform() * static_cast<double>(n));
  }
  // Normal with mean 0 and standard deviation 1 (Box and Muller 1958).
  double Normal();
  // Gumbel with location 0 and scale 1: the index of the largest of logit_i +
  // Gumbel() is a draw from softmax(logits).
  double Gumbel();

 private:
  std::mt19937_64 engine_;
  bool has_spare_ = false;
  double spare_ = 0;
};

// Hashes the user's and the item's keys to 64 well-mixed bits that are equal on
// every platform: FNV-1a, finished as in SplitMix64.
uint64_t HashKeys(std::string_view user, std::string_view item);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_RANDOM_H_
