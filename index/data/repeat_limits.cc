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
void LimitDay(uint32_t limit, OfPair day) {
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

void LimitPair(const FeedbackLimits& limits, OfPair pair) {
  const bool wanted = IsWanted(limits, pair);
  for (Interaction* one : pair) {
    if (wanted != (one->weight > 0)) one->weight = 0;
  }
  for (size_t begin = 0, end; begin < pair.size(); begin = end) {
    const int64_t day = DayOf(pair[begin]->time_s);
    for (end = begin; end < pair.size() && DayOf(pair[end]->time_s) == day;) {
      ++end;
    }
    LimitDay(limits.max_per_user_item_day, pair.subspan(begin, end - begin));
  }
  LimitSum(limits.max_repeats, pair);
}

}  // namespace

void LimitRepeats(
    const FeedbackLimits& limits, std::span<Interaction> of_user,
    const std::function<void(const Interaction&, float)>& limited) {
  std::vector<Interaction*> by_item(of_user.size());
  std::iota(by_item.begin(), by_item.end(), of_user.data());
  std::ranges::stable_sort(by_item, {}, [](auto* one) { return one->item; });
  std::vector<float> before;
  for (size_t begin = 0, end; begin < by_item.size(); begin = end) {
    before.clear();
    for (end = begin;
         end < by_item.size() && by_item[end]->item == by_item[begin]->item;) {
      before.push_back(by_item[end++]->weight);
    }
    if (before.size() == 1) continue;
    const OfPair pair = OfPair(by_item).subspan(begin, end - begin);
    LimitPair(limits, pair);
    for (size_t i = 0; i < pair.size(); ++i) {
      if (pair[i]->weight != before[i]) limited(*pair[i], before[i]);
    }
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
    if (!repeats) continue;
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
