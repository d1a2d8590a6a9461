#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "index/data/feedback.h"

namespace tributary {
namespace {

constexpr int64_t kLimitDay_s = 86400;

int64_t DayOf(int64_t time_s) {
  return time_s / kLimitDay_s - (time_s % kLimitDay_s < 0 ? 1 : 0);
}

// One user's interactions with one item, oldest first.
using OfPair = std::span<Interaction* const>;

// Whether what the pair says is that the user wanted the item.
bool IsWanted(const FeedbackLimits& limits, OfPair pair) {
  if (!limits.newest_decides) {
    return std::ranges::any_of(pair, [](auto* one) { return one->weight > 0; });
  }
  for (size_t i = pair.size(); i > 0; --i) {
    if (pair[i - 1]->weight != 0) return pair[i - 1]->weight > 0;
  }
  return false;
}

// Leaves the weights of the day's `limit` interactions that weigh most; of
// equal ones the newest.
void LimitDay(uint32_t limit, std::span<Interaction* const> day) {
  if (limit == 0 || day.size() <= limit) return;
  std::vector<Interaction*> sorted(day.rbegin(), day.rend());
  std::ranges::stable_sort(sorted, [](auto* a, auto* b) {
    return std::abs(a->weight) > std::abs(b->weight);
  });
  for (size_t i = limit; i < sorted.size(); ++i) sorted[i]->weight = 0;
}

void LimitSum(double max_repeats, OfPair pair) {
  if (max_repeats == 0) return;
  double largest = 0;
  for (const Interaction* one : pair) {
    largest = std::max<double>(largest, std::abs(one->weight));
  }
  double left = max_repeats * largest;
  for (size_t i = pair.size(); i > 0; --i) {
    float& weight = pair[i - 1]->weight;
    const double kept = std::min<double>(std::abs(weight), left);
    left -= kept;
    weight = std::copysign(static_cast<float>(kept), weight);
  }
}

// LimitDay for each day. REQUIRES: oldest first.
void LimitDays(uint32_t limit, std::span<Interaction* const> all) {
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    const int64_t day = DayOf(all[begin]->time_s);
    for (end = begin; end < all.size() && DayOf(all[end]->time_s) == day;) {
      ++end;
    }
    LimitDay(limit, all.subspan(begin, end - begin));
  }
}

void LimitPair(const FeedbackLimits& limits, OfPair pair) {
  const bool wanted = IsWanted(limits, pair);
  for (Interaction* one : pair) {
    if (wanted != (one->weight > 0)) one->weight = 0;
  }
  LimitDays(limits.max_per_user_item_day, pair);
  LimitSum(limits.max_repeats, pair);
}

}  // namespace

void LimitRepeats(
    const FeedbackLimits& limits, std::span<Interaction> of_user,
    const std::function<void(const Interaction&, float)>& limited) {
  std::vector<Interaction*> by_time(of_user.size());
  std::iota(by_time.begin(), by_time.end(), of_user.data());
  std::vector<Interaction*> by_item = by_time;
  std::ranges::stable_sort(by_item, {}, [](auto* one) { return one->item; });
  std::vector<float> before(by_item.size());
  std::ranges::transform(by_item, before.begin(),
                         [](auto* one) { return one->weight; });
  for (size_t begin = 0, end; begin < by_item.size(); begin = end) {
    for (end = begin + 1;
         end < by_item.size() && by_item[end]->item == by_item[begin]->item;) {
      ++end;
    }
    if (end - begin == 1) continue;
    LimitPair(limits, OfPair(by_item).subspan(begin, end - begin));
  }
  LimitDays(limits.max_per_user_day, by_time);
  for (size_t i = 0; i < by_item.size(); ++i) {
    if (by_item[i]->weight != before[i]) limited(*by_item[i], before[i]);
  }
}

void LimitAllRepeats(DataSet* data, std::vector<LimitedWeight>* limited) {
  std::vector<Interaction>& all = data->interactions;
  // By item: 1 + the user before, or now, who had it.
  std::vector<Row> last_user(data->items.size());
  const auto note = [&](const Interaction& one, float before) {
    if (limited != nullptr) limited->push_back({one.record, before});
  };
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    const Row user = all[begin].user;
    bool repeats = false;
    for (end = begin; end < all.size() && all[end].user == user; ++end) {
      Row& last = last_user[all[end].item];
      repeats |= last == user + 1;
      last = user + 1;
    }
    const uint32_t most = data->limits.max_per_user_day;
    if (!repeats && (most == 0 || end - begin <= most)) continue;
    LimitRepeats(data->limits, std::span(&all[begin], end - begin), note);
  }
}

void RestoreWeights(const DataSet& data, std::span<Interaction> interactions) {
  if (data.limited.empty()) return;
  for (Interaction& one : interactions) {
    const auto found = std::ranges::lower_bound(data.limited, one.record, {},
                                                &LimitedWeight::record);
    if (found != data.limited.end() && found->record == one.record) {
      one.weight = found->weight;
    }
  }
}

}  // namespace tributary
