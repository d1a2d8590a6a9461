#include "index/train/space_recall.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "index/parallel/parallel_for.h"
#include "index/search/dot_kernel.h"

namespace tributary {
namespace {

constexpr uint64_t kUsersPerPiece = 16;
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

// The place of `row` among `rows`, which are ascending; rows.size() when it is
// not there.
size_t Place(const std::vector<Row>& rows, Row row) {
  const auto found = std::lower_bound(rows.begin(), rows.end(), row);
  return found != rows.end() && *found == row ? found - rows.begin()
                                              : rows.size();
}

// The mean recall of one user. `scores` is room for one per item.
double UserRecall(const TrainedSpace& space, Interactions kept,
                  Interactions held_out, std::vector<float>* scores) {
  const Row user = held_out[0].user;
  const size_t place = Place(space.users.rows, user);
  if (place == space.users.rows.size()) return 0;
  const std::vector<Row>& items = space.items.rows;
  DotProducts({&space.users.values[place * space.dim], space.dim},
              space.items.values.data(), items.size(), scores->data());
  const auto of_user = std::equal_range(
      kept.begin(), kept.end(), held_out[0],
      [](const auto& a, const auto& b) { return a.user < b.user; });
  for (auto it = of_user.first; it != of_user.second; ++it) {
    const size_t had = Place(items, it->item);
    if (had < items.size()) {
      (*scores)[had] = -std::numeric_limits<float>::infinity();
    }
  }
  size_t hits = 0;
  for (const Interaction& wanted : held_out) {
    const size_t item = Place(items, wanted.item);
    if (item == items.size()) continue;
    const float score = (*scores)[item];
    const auto rank = static_cast<size_t>(
        std::count_if(scores->begin(), scores->end(),
                      [score](float other) { return other > score; }));
    for (const size_t prefix : kPrefixes) hits += rank < prefix;
  }
  return static_cast<double>(hits) /
         static_cast<double>(std::size(kPrefixes) * held_out.size());
}

}  // namespace

double SpaceRecall(const TrainedSpace& space, Interactions kept,
                   Interactions held_out, size_t max_users, uint32_t threads) {
  std::vector<Interactions> users = ByUser(held_out);
  Thin(max_users, &users);
  if (users.empty()) return 0;
  std::vector<double> recalls(users.size());
  ParallelFor(users.size(), kUsersPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                std::vector<float> scores(space.items.rows.size());
                for (uint64_t i = begin; i < end; ++i) {
                  recalls[i] = UserRecall(space, kept, users[i], &scores);
                }
              });
  return std::accumulate(recalls.begin(), recalls.end(), 0.0) /
         static_cast<double>(users.size());
}

}  // namespace tributary
