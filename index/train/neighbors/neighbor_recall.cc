#include "index/train/neighbors/neighbor_recall.h"

#include <algorithm>
#include <cmath>

#include "index/parallel/parallel_for.h"

namespace tributary {
namespace {

constexpr size_t kRecallAt[] = {20, 100, 500};
constexpr uint64_t kUsersPerPiece = 16;

// Scratch space of one thread.
struct Sums {
  // By item; all 0 between users.
  std::vector<float> by_item;
  std::vector<Row> touched;
  std::vector<ScoredRow> best;
};

// Leaves the best items of the history's joined lists in sums->best, the
// history excluded.
void Join(std::span<const Row> history, const NeighborLists& lists,
          double decay, Sums* sums) {
  const size_t used = std::min<size_t>(history.size(), kNeighborHistory);
  for (size_t rank = 0; rank < used; ++rank) {
    const size_t begin =
        size_t{history[history.size() - 1 - rank]} * lists.width;
    const auto weight =
        static_cast<float>(std::pow(1.0 + static_cast<double>(rank), -decay));
    for (size_t i = begin; i < begin + lists.width; ++i) {
      if (lists.rows[i] == kNoRow) break;
      float& sum = sums->by_item[lists.rows[i]];
      // An item whose sum returns to 0 is touched twice; the loop below keeps
      // it once.
      if (sum == 0) sums->touched.push_back(lists.rows[i]);
      sum += weight * lists.scores[i];
    }
  }
  for (const Row item : history) sums->by_item[item] = 0;
  sums->best.clear();
  for (const Row item : sums->touched) {
    const float sum = sums->by_item[item];
    if (sum > 0) sums->best.push_back({item, sum});
    sums->by_item[item] = 0;
  }
  sums->touched.clear();
  const size_t n = std::min(sums->best.size(), std::end(kRecallAt)[-1]);
  std::partial_sort(sums->best.begin(),
                    sums->best.begin() + static_cast<int64_t>(n),
                    sums->best.end(), Better);
  sums->best.resize(n);
}

double MeanRecall(const std::vector<ScoredRow>& best,
                  const std::vector<Row>& items) {
  double recall = 0;
  for (size_t rank = 0; rank < best.size(); ++rank) {
    if (!std::binary_search(items.begin(), items.end(), best[rank].row)) {
      continue;
    }
    for (const size_t k : kRecallAt) recall += rank < k ? 1 : 0;
  }
  return recall / static_cast<double>(items.size() * std::size(kRecallAt));
}

}  // namespace

NeighborTest MakeNeighborTest(std::span<const Interaction> held_out,
                              size_t max_users) {
  std::vector<NeighborTest::User> users;
  for (const Interaction& interaction : held_out) {
    if (users.empty() || users.back().user != interaction.user) {
      users.push_back({interaction.user, {}});
    }
    users.back().items.push_back(interaction.item);
  }
  NeighborTest test;
  const size_t kept = std::min(users.size(), max_users);
  for (size_t i = 0; i < kept; ++i) {
    test.users.push_back(std::move(users[i * users.size() / kept]));
    std::sort(test.users.back().items.begin(), test.users.back().items.end());
  }
  return test;
}

std::vector<double> MeasureNeighborRecall(const NeighborTest& test,
                                          const Histories& histories,
                                          const NeighborLists& lists,
                                          std::span<const double> decays,
                                          uint32_t threads) {
  const size_t n_items = lists.rows.size() / lists.width;
  // By user, then decay. Added up in order below, so that threads do not
  // matter.
  std::vector<double> recalls(test.users.size() * decays.size());
  ParallelFor(test.users.size(), kUsersPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                thread_local Sums sums;
                if (sums.by_item.size() < n_items) sums.by_item.resize(n_items);
                for (uint64_t i = begin; i < end; ++i) {
                  for (size_t d = 0; d < decays.size(); ++d) {
                    const NeighborTest::User& user = test.users[i];
                    Join(histories.Of(user.user), lists, decays[d], &sums);
                    recalls[i * decays.size() + d] =
                        MeanRecall(sums.best, user.items);
                  }
                }
              });
  std::vector<double> means(decays.size());
  for (size_t i = 0; i < recalls.size(); ++i) {
    means[i % decays.size()] +=
        recalls[i] / static_cast<double>(test.users.size());
  }
  return means;
}

}  // namespace tributary
