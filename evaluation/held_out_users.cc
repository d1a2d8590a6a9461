#include "evaluation/held_out_users.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tributary {

std::vector<TestUser> FindTestUsers(const TestItems& test_items,
                                    const KeyTable& items) {
  std::vector<TestUser> users;
  for (const auto& [user_key, item_keys] : test_items) {
    TestUser& user = users.emplace_back();
    user.key = user_key;
    user.n_items = item_keys.size();
    for (const std::string& item_key : item_keys) {
      const Row row = items.Find(std::string_view(item_key));
      if (row != kNoRow) user.items.push_back(row);
    }
    std::sort(user.items.begin(), user.items.end());
  }
  return users;
}

std::vector<double> RecallAt(const TestUser& user, std::span<const Row> list,
                             std::span<const uint32_t> ks) {
  std::vector<double> recall;
  size_t hits = 0;
  size_t next = 0;
  for (const uint32_t k : ks) {
    for (; next < std::min<size_t>(k, list.size()); ++next) {
      hits +=
          std::binary_search(user.items.begin(), user.items.end(), list[next]);
    }
    recall.push_back(static_cast<double>(hits) /
                     std::max(1.0, static_cast<double>(user.n_items)));
  }
  return recall;
}

}  // namespace tributary
