#ifndef TRIBUTARY_TESTS_EVALUATION_FUSION_WORLD_H_
#define TRIBUTARY_TESTS_EVALUATION_FUSION_WORLD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "evaluation/user_lists.h"

namespace tributary {

// Users with ten test items of kItems each, and sources that know some of them.
// Neither copyable nor movable: lists point to users.
class FusionWorld {
 public:
  static constexpr Row kItems = 1000;
  // The length of all lists.
  static constexpr uint32_t kDepth = 100;

  // The score that a source gives the user's h-th test item; `noise`, 0 to 1,
  // is what it would get as any other item.
  using Knowledge = std::function<double(size_t user, size_t h, double noise)>;

  explicit FusionWorld(size_t n_users) : users_(n_users) {
    for (TestUser& user : users_) {
      for (int i = 0; i < 10; ++i) user.items.push_back(random_() % kItems);
      std::sort(user.items.begin(), user.items.end());
      user.items.erase(std::unique(user.items.begin(), user.items.end()),
                       user.items.end());
      user.n_items = user.items.size();
      lists_.push_back({&user, 10, {}});
    }
  }

  FusionWorld(const FusionWorld&) = delete;
  FusionWorld& operator=(const FusionWorld&) = delete;

  FusionWorld& AddSource(const Knowledge& knowledge) {
    for (size_t i = 0; i < users_.size(); ++i) {
      lists_[i].lists.push_back(List(i, knowledge));
    }
    return *this;
  }

  // One that raises every test item as much; by 1: above all others.
  FusionWorld& AddSource(double quality) {
    return AddSource(
        [quality](size_t, size_t, double noise) { return noise + quality; });
  }

  // One without lists.
  FusionWorld& AddSilentSource() {
    for (UserLists& lists : lists_) lists.lists.emplace_back();
    return *this;
  }

  FusionWorld& SetHistories(const std::function<uint32_t(size_t user)>& size) {
    for (size_t i = 0; i < lists_.size(); ++i) lists_[i].history = size(i);
    return *this;
  }

  std::span<const UserLists> lists() const { return lists_; }

 private:
  std::vector<ScoredRow> List(size_t i, const Knowledge& knowledge) {
    std::vector<ScoredRow> list;
    const std::vector<Row>& items = users_[i].items;
    for (Row row = 0; row < kItems; ++row) {
      list.push_back({row, static_cast<float>(random_() % 10000) / 10000});
    }
    for (size_t h = 0; h < items.size(); ++h) {
      float& score = list[items[h]].score;
      score = static_cast<float>(knowledge(i, h, score));
    }
    std::sort(list.begin(), list.end(), Better);
    list.resize(kDepth);
    return list;
  }

  std::mt19937_64 random_{5};
  std::vector<TestUser> users_;
  std::vector<UserLists> lists_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_EVALUATION_FUSION_WORLD_H_
