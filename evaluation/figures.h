#ifndef TRIBUTARY_EVALUATION_FIGURES_H_
#define TRIBUTARY_EVALUATION_FIGURES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tributary {

// Figures of users: a row for each user, a column for each figure, 4 bytes
// each.
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

  // `columns` columns from `first` on, of some users.
  Figures Select(std::span<const uint32_t> users, size_t first,
                 size_t columns) const;
  // The differences to figures of the same users and columns.
  Figures Minus(const Figures& other) const;

  // By column; 0 when there are no users.
  std::vector<double> Means() const;

 private:
  size_t users_;
  size_t columns_;
  std::vector<float> values_;
};

// A mean over users and its 95% interval.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

inline constexpr uint32_t kBootstrapDraws = 1000;
inline constexpr uint32_t kRandomisations = 10000;

// By column, the mean and its percentile interval over kBootstrapDraws draws of
// as many users with replacement (Efron 1979). Equal seeds give equal
// intervals, whatever the number of threads.
std::vector<Interval> BootstrapMeans(const Figures& figures, uint64_t seed,
                                     uint32_t threads);

// By column, how likely a mean at least as far from 0 as that of `differences`
// is if every user's difference were as likely of the other sign: the paired
// randomisation test (Fisher 1935; Smucker, Allan and Carterette 2007), with
// kRandomisations random signs, so that it is at least 1 / (1 +
// kRandomisations).
std::vector<double> RandomisationPValues(const Figures& differences,
                                         uint64_t seed, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_FIGURES_H_
