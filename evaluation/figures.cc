#include "evaluation/figures.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <random>
#include <thread>

namespace tributary {
namespace {

// Adds weights[user] * figure to sums[column].
void AddWeighted(const Figures& figures, std::span<const float> weights,
                 std::span<double> sums) {
  for (size_t user = 0; user < figures.users(); ++user) {
    const double weight = weights[user];
    if (weight == 0) continue;
    const float* values = figures.Of(user).data();
    for (size_t c = 0; c < sums.size(); ++c) sums[c] += weight * values[c];
  }
}

void ForEachDraw(uint32_t n, uint32_t threads,
                 const std::function<void(uint32_t)>& body) {
  std::atomic<uint32_t> next = 0;
  const auto work = [&] {
    for (uint32_t i = next++; i < n; i = next++) body(i);
  };
  std::vector<std::thread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
}

// A number in [0, n), the same with every standard library.
size_t Below(std::mt19937_64& engine, size_t n) {
  return static_cast<size_t>(
      (static_cast<double>(engine() >> 11) / 9007199254740992.0) *
      static_cast<double>(n));
}

}  // namespace

Figures Figures::Select(std::span<const uint32_t> users, size_t first,
                        size_t columns) const {
  Figures selected(users.size(), columns);
  for (size_t i = 0; i < users.size(); ++i) {
    const auto values = Of(users[i]).subspan(first, columns);
    std::copy(values.begin(), values.end(), selected.Of(i).begin());
  }
  return selected;
}

Figures Figures::Minus(const Figures& other) const {
  Figures differences = *this;
  for (size_t i = 0; i < values_.size(); ++i) {
    differences.values_[i] -= other.values_[i];
  }
  return differences;
}

std::vector<double> Figures::Means() const {
  std::vector<double> means(columns_);
  if (users_ == 0) return means;
  const std::vector<float> weights(users_, 1.0F);
  AddWeighted(*this, weights, means);
  for (double& mean : means) mean /= static_cast<double>(users_);
  return means;
}

std::vector<Interval> BootstrapMeans(const Figures& figures, uint64_t seed,
                                     uint32_t threads) {
  const size_t n = figures.users();
  const size_t columns = figures.columns();
  std::vector<double> sums(size_t{kBootstrapDraws} * columns);
  ForEachDraw(n == 0 ? 0 : kBootstrapDraws, threads, [&](uint32_t draw) {
    std::mt19937_64 engine(seed * kBootstrapDraws + draw);
    std::vector<float> times(n);
    for (size_t i = 0; i < n; ++i) ++times[Below(engine, n)];
    AddWeighted(figures, times,
                std::span(sums).subspan(draw * columns, columns));
  });
  const std::vector<double> means = figures.Means();
  std::vector<Interval> intervals;
  std::vector<double> drawn(kBootstrapDraws);
  for (size_t c = 0; c < columns; ++c) {
    for (uint32_t draw = 0; draw < kBootstrapDraws; ++draw) {
      drawn[draw] = sums[draw * columns + c] / std::max<double>(1, n);
    }
    std::sort(drawn.begin(), drawn.end());
    constexpr size_t kTail = kBootstrapDraws / 40;
    intervals.push_back(
        {means[c], drawn[kTail], drawn[kBootstrapDraws - 1 - kTail]});
  }
  return intervals;
}

std::vector<double> RandomisationPValues(const Figures& differences,
                                         uint64_t seed, uint32_t threads) {
  const size_t n = differences.users();
  const size_t columns = differences.columns();
  const std::vector<double> means = differences.Means();
  // Sums that differ by rounding only count as equally far.
  constexpr double kRounding = 1e-12;
  std::vector<std::atomic<uint32_t>> as_far(columns);
  ForEachDraw(kRandomisations, threads, [&](uint32_t draw) {
    std::mt19937_64 engine(seed * kRandomisations + draw);
    std::vector<float> signs(n);
    uint64_t bits = 0;
    for (size_t i = 0; i < n; ++i) {
      bits = i % 64 == 0 ? engine() : bits >> 1;
      signs[i] = (bits & 1) != 0 ? 1.0F : -1.0F;
    }
    std::vector<double> sums(columns);
    AddWeighted(differences, signs, sums);
    for (size_t c = 0; c < columns; ++c) {
      const double observed = std::abs(means[c]) * static_cast<double>(n);
      if (std::abs(sums[c]) >= observed - kRounding) {
        as_far[c].fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  std::vector<double> p;
  p.reserve(columns);
  for (const auto& count : as_far) {
    p.push_back((1.0 + count.load()) / (1.0 + kRandomisations));
  }
  return p;
}

}  // namespace tributary
