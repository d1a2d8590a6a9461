#include "evaluation/test_set.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kExampleKeys = 3;
// Longer keys are cut in messages.
constexpr size_t kShownCharacters = 40;

std::string ShownKey(std::string_view key) {
  return Printable(key, kShownCharacters);
}

// The first, a middle and the last key of a bundle's table.
std::string KeysOf(const KeyTable& table) {
  std::vector<std::string> keys;
  const uint64_t n = table.size();
  const uint64_t shown = std::min<uint64_t>(kExampleKeys, n);
  for (uint64_t i = 0; i < shown; ++i) {
    const uint64_t row = shown == 1 ? 0 : i * (n - 1) / (shown - 1);
    keys.push_back(ShownKey(table.text(static_cast<Row>(row))));
  }
  return fmt::format("{}", fmt::join(keys, ", "));
}

std::string UserKeysOf(const TestItems& test_items) {
  std::vector<std::string> keys;
  for (const auto& [user, items] : test_items) {
    if (keys.size() == kExampleKeys) break;
    keys.push_back(ShownKey(user));
  }
  return fmt::format("{}", fmt::join(keys, ", "));
}

std::string ItemKeysOf(const TestItems& test_items) {
  std::set<std::string> keys;
  for (const auto& [user, items] : test_items) {
    for (const std::string& item : items) {
      keys.insert(ShownKey(item));
      if (keys.size() == kExampleKeys) {
        return fmt::format("{}", fmt::join(keys, ", "));
      }
    }
  }
  return fmt::format("{}", fmt::join(keys, ", "));
}

std::string UnknownUsers(const TestSetCounts& counts,
                         const TestItems& test_items, const Bundle& bundle) {
  if (bundle.users().size() == 0) {
    return "the bundle has no users, as after a build without interactions";
  }
  return fmt::format(
      "{} of {} users are unknown; the bundle's user keys look like {}, the "
      "test set's like {}",
      counts.unknown_users, counts.users, KeysOf(bundle.users()),
      UserKeysOf(test_items));
}

std::string UnknownItems(const TestSetCounts& counts,
                         const TestItems& test_items, const Bundle& bundle) {
  return fmt::format(
      "{} of {} items are unknown; the bundle's item keys look like {}, the "
      "test set's like {}",
      counts.unknown_items, counts.items, KeysOf(bundle.items()),
      ItemKeysOf(test_items));
}

// The rows that a user has seen, ascending.
std::vector<Row> SortedSeen(const Bundle& bundle, Row user) {
  const std::span<const Row> seen = bundle.Seen(user);
  std::vector<Row> sorted(seen.begin(), seen.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

bool HasRow(const std::vector<Row>& sorted, Row row) {
  return row != kNoRow && std::binary_search(sorted.begin(), sorted.end(), row);
}

}  // namespace

TestSetCounts CountTestSet(const TestItems& test_items, const Bundle& bundle) {
  TestSetCounts counts;
  // Views of test_items.
  std::unordered_map<std::string_view, Row> rows;
  for (const auto& [user_key, item_keys] : test_items) {
    const Row user = bundle.users().Find(std::string_view(user_key));
    ++counts.users;
    counts.pairs += item_keys.size();
    if (user == kNoRow) {
      ++counts.unknown_users;
      counts.pairs_of_unknown_users += item_keys.size();
    }
    const std::vector<Row> seen = SortedSeen(bundle, user);
    for (const std::string& item_key : item_keys) {
      const auto [found, is_new] = rows.try_emplace(item_key, kNoRow);
      if (is_new) {
        found->second = bundle.items().Find(std::string_view(item_key));
      }
      const Row item = found->second;
      counts.pairs_of_unknown_items += item == kNoRow;
      if (HasRow(seen, item)) {
        if (counts.seen_pairs++ > 0) continue;
        counts.seen_user = user_key;
        counts.seen_item = item_key;
      } else if (item != kNoRow) {
        ++counts.pairs_of_known_items;
        counts.pairs_left += user != kNoRow;
      }
    }
  }
  counts.items = rows.size();
  counts.unknown_items = static_cast<uint64_t>(std::count_if(
      rows.begin(), rows.end(),
      [](const auto& key_and_row) { return key_and_row.second == kNoRow; }));
  return counts;
}

void RemoveSeenPairs(const Bundle& bundle, TestItems* test_items) {
  for (auto user = test_items->begin(); user != test_items->end();) {
    const std::vector<Row> seen =
        SortedSeen(bundle, bundle.users().Find(std::string_view(user->first)));
    if (!seen.empty()) {
      std::erase_if(user->second, [&](const std::string& item) {
        return HasRow(seen, bundle.items().Find(std::string_view(item)));
      });
    }
    user = user->second.empty() ? test_items->erase(user) : std::next(user);
  }
}

absl::StatusOr<PassingCounts> KeepPassingPairs(const Bundle& bundle,
                                               const PassingItems& passing,
                                               TestItems* test_items) {
  PassingCounts counts = {.passing_items = passing.count(),
                          .items = bundle.items().size()};
  for (auto user = test_items->begin(); user != test_items->end();) {
    counts.pairs += user->second.size();
    std::erase_if(user->second, [&](const std::string& item) {
      const Row row = bundle.items().Find(std::string_view(item));
      return row == kNoRow || !passing.Has(row);
    });
    counts.pairs_left += user->second.size();
    user = user->second.empty() ? test_items->erase(user) : std::next(user);
  }
  if (counts.pairs_left > 0) return counts;
  return absl::FailedPreconditionError(
      fmt::format("{} of {} items pass, and none of the {} test pairs has one "
                  "of them",
                  counts.passing_items, counts.items, counts.pairs));
}

std::string TestSetLine(const TestSetCounts& counts) {
  return fmt::format(
      "test set: {} of {} users unknown, {} of {} items unknown, {} of {} "
      "pairs in training",
      counts.unknown_users, counts.users, counts.unknown_items, counts.items,
      counts.seen_pairs, counts.pairs);
}

std::string SeenSentence(const TestSetCounts& counts, const Bundle& bundle) {
  return fmt::format(
      "the bundle has seen this test set: {} of {} pairs were in the training "
      "of {}, such as user {} with item {}",
      counts.seen_pairs, counts.pairs, bundle.dir().string(),
      ShownKey(counts.seen_user), ShownKey(counts.seen_item));
}

absl::Status CheckPairsAreLeft(const TestSetCounts& counts,
                               const TestItems& test_items,
                               const Bundle& bundle, bool cold_users_count) {
  const uint64_t left =
      cold_users_count ? counts.pairs_of_known_items : counts.pairs_left;
  if (left > 0) return absl::OkStatus();
  std::string why;
  if (counts.pairs == 0) {
    why = "the test set is empty";
  } else if (counts.seen_pairs == counts.pairs) {
    why = fmt::format("{} of {} pairs were in training", counts.seen_pairs,
                      counts.pairs);
  } else if (counts.unknown_users == counts.users) {
    why = UnknownUsers(counts, test_items, bundle) +
          (counts.unknown_items == counts.items
               ? "; " + UnknownItems(counts, test_items, bundle)
               : "; to judge what cold users get, pass --allow-cold-users");
  } else if (counts.unknown_items == counts.items) {
    why = UnknownItems(counts, test_items, bundle);
  } else {
    why = fmt::format(
        "of {} pairs, {} have an unknown user, {} an unknown item, and {} were "
        "in training",
        counts.pairs, counts.pairs_of_unknown_users,
        counts.pairs_of_unknown_items, counts.seen_pairs);
  }
  return absl::FailedPreconditionError(
      fmt::format("no test pair is left: {} ({})", why, bundle.dir().string()));
}

std::string MostlyUnknownSentence(const TestSetCounts& counts,
                                  const TestItems& test_items,
                                  const Bundle& bundle) {
  if (2 * counts.unknown_users >= counts.users) {
    return UnknownUsers(counts, test_items, bundle);
  }
  if (2 * counts.unknown_items >= counts.items) {
    return UnknownItems(counts, test_items, bundle);
  }
  return "";
}

}  // namespace tributary
