#include "index/train/space_recall.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"

namespace tributary {
namespace {

constexpr uint64_t kUsersPerPiece = 16;
// Values that are compared at once.
constexpr size_t kLanes = 16;
constexpr size_t kPrefixes[] = {20, 100, 500};

using Interactions = std::span<const Interaction>;

// Runs of the same user.
std::vector<Interactions> ByUser(Interactions all) {
  std::vector<Interactions> users;
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    for (end = begin; end < all.size() && all[end].user == all[begin].user;) {
      ++end;
    }
    users.push_back(all.subspan(begin, end - begin));
  }
  return users;
}

void Thin(size_t limit, std::vector<Interactions>* users) {
  if (users->size() <= limit) return;
  for (size_t i = 0; i < limit; ++i) {
    (*users)[i] = (*users)[i * users->size() / limit];
  }
  users->resize(limit);
}

// The position of `row` among `rows`, which are ascending; rows.size() when it
// is not among them.
size_t Position(const std::vector<Row>& rows, Row row) {
  const auto found = std::lower_bound(rows.begin(), rows.end(), row);
  return found != rows.end() && *found == row ? found - rows.begin()
                                              : rows.size();
}

// How many of `values` are greater than `bound`. The inner loop is of constant
// length, which compilers turn into SIMD.
size_t CountAbove(float bound, std::span<const float> values) {
  std::array<uint32_t, kLanes> counts{};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      counts[lane] += values[i + lane] > bound ? 1 : 0;
    }
  }
  for (; i < values.size(); ++i) counts[0] += values[i] > bound ? 1 : 0;
  return std::accumulate(counts.begin(), counts.end(), size_t{0});
}

// The recall of one user, the mean over depths. `scores` are those of all
// items, and are changed.
double UserRecall(const std::vector<Row>& items, Interactions kept,
                  Interactions held_out, std::span<float> scores) {
  const auto of_user = std::equal_range(
      kept.begin(), kept.end(), held_out[0],
      [](const auto& a, const auto& b) { return a.user < b.user; });
  for (auto it = of_user.first; it != of_user.second; ++it) {
    const size_t had = Position(items, it->item);
    if (had < items.size()) {
      scores[had] = -std::numeric_limits<float>::infinity();
    }
  }
  size_t hits = 0;
  for (const Interaction& wanted : held_out) {
    const size_t item = Position(items, wanted.item);
    if (item == items.size()) continue;
    const size_t rank = CountAbove(scores[item], scores);
    for (const size_t prefix : kPrefixes) hits += rank < prefix ? 1 : 0;
  }
  return static_cast<double>(hits) /
         static_cast<double>(std::size(kPrefixes) * held_out.size());
}

std::vector<float> Transpose(const std::vector<float>& rows, size_t columns) {
  const size_t n = rows.size() / columns;
  std::vector<float> transposed(rows.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      transposed[j * n + i] = rows[i * columns + j];
    }
  }
  return transposed;
}

}  // namespace

double SpaceRecall(const TrainedSpace& space, Interactions kept,
                   Interactions held_out, size_t max_users, uint32_t threads) {
  std::vector<Interactions> users = ByUser(held_out);
  Thin(max_users, &users);
  if (users.empty()) return 0;
  const std::vector<Row>& items = space.items.rows;
  const size_t dim = space.dim;
  // Users are scored several at a time, by one product of matrices.
  const std::vector<float> vectors = Transpose(space.items.values, dim);
  std::vector<double> recalls(users.size());
  ParallelFor(
      users.size(), kUsersPerPiece, threads, [&](uint64_t begin, uint64_t end) {
        std::vector<uint64_t> known;
        std::vector<float> queries;
        for (uint64_t i = begin; i < end; ++i) {
          const size_t position = Position(space.users.rows, users[i][0].user);
          if (position == space.users.rows.size()) continue;
          known.push_back(i);
          const float* const query = &space.users.values[position * dim];
          queries.insert(queries.end(), query, query + dim);
        }
        std::vector<float> scores(known.size() * items.size());
        Multiply({queries.data(), known.size(), dim, dim, 1}, vectors.data(),
                 items.size(), scores.data());
        for (size_t i = 0; i < known.size(); ++i) {
          recalls[known[i]] = UserRecall(
              items, kept, users[known[i]],
              std::span(scores).subspan(i * items.size(), items.size()));
        }
      });
  return std::accumulate(recalls.begin(), recalls.end(), 0.0) /
         static_cast<double>(users.size());
}

}  // namespace tributary
