#include "evaluation/segments.h"

#include <algorithm>
#include <numeric>

namespace tributary {
namespace {

constexpr uint8_t kNew = 3;

std::vector<uint32_t> CountUsers(const Bundle& bundle) {
  std::vector<uint32_t> counts(bundle.items().size());
  for (Row user = 0; user < bundle.users().size(); ++user) {
    for (const Row row : bundle.Seen(user)) {
      if (row < counts.size()) ++counts[row];
    }
  }
  return counts;
}

}  // namespace

UserSegments SegmentUsers(const Bundle& bundle,
                          std::span<const TestUser> users) {
  std::vector<size_t> histories;
  std::vector<size_t> known;
  for (const TestUser& user : users) {
    const Row row = bundle.users().Find(std::string_view(user.key));
    histories.push_back(bundle.Seen(row).size());
    if (histories.back() > 0) known.push_back(histories.back());
  }
  UserSegments segments;
  if (!known.empty()) {
    const auto median =
        known.begin() + static_cast<ptrdiff_t>((known.size() - 1) / 2);
    std::nth_element(known.begin(), median, known.end());
    segments.light_at_most = *median;
  }
  for (uint32_t i = 0; i < histories.size(); ++i) {
    const size_t segment = histories[i] == 0                        ? 0
                           : histories[i] <= segments.light_at_most ? 1
                                                                    : 2;
    segments.users[segment].push_back(i);
  }
  return segments;
}

ItemSegments SegmentItems(const Bundle& bundle) {
  ItemSegments segments;
  segments.users = CountUsers(bundle);
  const std::vector<uint32_t>& users = segments.users;
  segments.segment.assign(users.size(), kNew);
  std::vector<Row> order(users.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](Row a, Row b) {
    return users[a] != users[b] ? users[a] > users[b] : a < b;
  });
  const uint64_t all = std::accumulate(users.begin(), users.end(), uint64_t{0});
  uint64_t before = 0;
  for (const Row row : order) {
    uint8_t& segment = segments.segment[row];
    // An item whose first interaction falls within a third belongs to it.
    if (users[row] > 0) segment = static_cast<uint8_t>(3 * before / all);
    before += users[row];
    ++segments.items[segment];
    segments.least_users[segment] = users[row];
  }
  return segments;
}

}  // namespace tributary
