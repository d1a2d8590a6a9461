#ifndef TRIBUTARY_EVALUATION_FIGURES_H_
#define TRIBUTARY_EVALUATION_FIGURES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tributary {

// A matrix of figures: a row per user, a column per figure, float32.
class Figures {
 public:
  Figures(size_t users, size_t columns)
      : users_(users), columns_(columns), values_(users * columns) {}

  size_t users() const { return users_; }
  size_t columns() const { return columns_; }
  std::span<float> Of(size_t user) {
    return {values_.data() + user * columns_, columns_};
  }
  std::span<const float> Of(size_t user) const {
    return {values_.data() + user * columns_, columns_};
  }

  // The rows of `users`, with the `columns` columns from `first` on.
  Figures Select(std::span<const uint32_t> users, size_t first,
                 size_t columns) const;
  // This minus `other`, element by element. REQUIRES: equal shapes.
  Figures Minus(const Figures& other) const;

  // The mean of each column; 0 when there are no users.
  std::vector<double> Means() const;

 private:
  size_t users_;
  size_t columns_;
  std::vector<float> values_;
};

// A mean over users and its 95% confidence interval.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

inline constexpr uint32_t kBootstrapDraws = 1000;
inline constexpr uint32_t kRandomisations = 10000;

// For each column the mean and its 95% percentile interval, over
// kBootstrapDraws samples of n users with replacement, n being the number of
// users (the bootstrap: Efron 1979). Equal seeds give equal intervals for any
// number of threads.
std::vector<Interval> BootstrapMeans(const Figures& figures, uint64_t seed,
                                     uint32_t threads);

// For each column the p-value of the paired randomisation test (Fisher 1935;
// Smucker, Allan and Carterette 2007): the probability of a mean at least as
// far from 0 as that of `differences` if each user's difference had a random
// sign. Estimated from kRandomisations draws of signs, so that it is at least
// 1 / (1 + kRandomisations).
std::vector<double> RandomisationPValues(const Figures& differences,
                                         uint64_t seed, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_FIGURES_H_
