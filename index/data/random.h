#ifndef TRIBUTARY_INDEX_DATA_RANDOM_H_
#define TRIBUTARY_INDEX_DATA_RANDOM_H_

#include <cstdint>
#include <random>
#include <string_view>

namespace tributary {

// Random numbers that are the same with every standard library, which those of
// std::normal_distribution and its like are not. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // In (0, 1).
  double Uniform() {
    return (static_cast<double>(engine_() >> 11) + 0.5) / 9007199254740992.0;
  }
  // In [0, n). REQUIRES: n > 0.
  uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>(Uniform() * static_cast<double>(n));
  }
  // Mean 0, deviation 1 (Box and Muller 1958).
  double Normal();
  // Location 0, scale 1: the noise whose largest of n draws around logits is a
  // draw from their softmax.
  double Gumbel();

 private:
  std::mt19937_64 engine_;
  bool has_spare_ = false;
  double spare_ = 0;
};

// 64 well mixed bits of the user's and the item's keys, on every platform the
// same: FNV-1a, finished as in SplitMix64.
uint64_t HashKeys(std::string_view user, std::string_view item);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_RANDOM_H_
