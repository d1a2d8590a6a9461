#include "index/data/hold_out.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/feedback.h"
#include "index/data/random.h"

namespace tributary {
namespace {

constexpr size_t kMinInteractions = 5;

using OfUser = std::span<const Interaction>;

// A share of n, rounded up. The tolerance keeps 0.1 * 30 from becoming 4.
size_t ShareOf(double share, size_t n) {
  return static_cast<size_t>(std::ceil(share * static_cast<double>(n) - 1e-9));
}

// Holds out the last of a user's interactions, which are ascending by time.
std::vector<bool> ChooseLast(OfUser of_user, size_t wanted) {
  std::vector<bool> chosen(of_user.size());
  std::fill_n(chosen.rbegin(), wanted, true);
  return chosen;
}

std::vector<bool> ChooseAfter(OfUser of_user, int64_t time_s) {
  std::vector<bool> chosen;
  for (const Interaction& interaction : of_user) {
    chosen.push_back(interaction.time_s > time_s);
  }
  return chosen;
}

std::vector<bool> ChooseByHash(const DataSet& data, OfUser of_user,
                               double share, std::string_view purpose) {
  std::vector<bool> chosen;
  const std::string user =
      fmt::format("{}\n{}", purpose, data.users.text(of_user[0].user));
  for (const Interaction& interaction : of_user) {
    const uint64_t hash = HashKeys(user, data.items.text(interaction.item));
    chosen.push_back(static_cast<double>(hash >> 11) / 9007199254740992.0 <
                     share);
  }
  return chosen;
}

// The newest time that is kept, so that at most `share` is held out.
int64_t LastKeptTime(const DataSet& data, double share) {
  const size_t n = data.interactions.size();
  const size_t kept = n - ShareOf(share, n);
  if (kept == 0) return std::numeric_limits<int64_t>::min();
  std::vector<int64_t> times;
  for (const Interaction& interaction : data.interactions) {
    times.push_back(interaction.time_s);
  }
  const auto last = times.begin() + static_cast<ptrdiff_t>(kept - 1);
  std::nth_element(times.begin(), last, times.end());
  return *last;
}

std::vector<bool> Choose(const DataSet& data, OfUser of_user, SplitBy by,
                         double share, std::string_view purpose,
                         int64_t last_kept_time_s) {
  if (by == SplitBy::kTime) return ChooseAfter(of_user, last_kept_time_s);
  if (of_user.size() < kMinInteractions) return ChooseLast(of_user, 0);
  if (by == SplitBy::kLast) return ChooseLast(of_user, 1);
  if (by == SplitBy::kHash) return ChooseByHash(data, of_user, share, purpose);
  return ChooseLast(of_user, ShareOf(share, of_user.size()));
}

// Splits one user's interactions.
void Split(OfUser of_user, const std::vector<bool>& chosen,
           std::vector<Interaction>* kept, std::vector<Interaction>* held_out) {
  std::unordered_set<Row> settled;
  for (size_t i = 0; i < of_user.size(); ++i) {
    if (!chosen[i] || of_user[i].weight <= 0) settled.insert(of_user[i].item);
  }
  for (size_t i = 0; i < of_user.size(); ++i) {
    if (!chosen[i] || of_user[i].weight <= 0) {
      kept->push_back(of_user[i]);
    } else if (settled.insert(of_user[i].item).second) {
      held_out->push_back(of_user[i]);
    }
  }
}

}  // namespace

absl::StatusOr<DataSet> HoldOut(DataSet data, SplitBy by, double share,
                                std::string_view purpose,
                                std::vector<Interaction>* held_out) {
  const bool needs_times = by == SplitBy::kUserTime || by == SplitBy::kTime;
  if (needs_times && !data.has_times) {
    return absl::FailedPreconditionError(
        "the data have no times to split by, expected them or a split by "
        "hash or last");
  }
  held_out->clear();
  std::vector<Interaction> kept;
  std::vector<Interaction>& all = data.interactions;
  // A repeat may have lost its weight to an interaction that is held out.
  RestoreWeights(data, all);
  const int64_t last_kept_time_s =
      by == SplitBy::kTime ? LastKeptTime(data, share) : 0;
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    for (end = begin; end < all.size() && all[end].user == all[begin].user;) {
      ++end;
    }
    const OfUser of_user(&all[begin], end - begin);
    Split(of_user, Choose(data, of_user, by, share, purpose, last_kept_time_s),
          &kept, held_out);
  }
  data.interactions = std::move(kept);
  if (!data.limited.empty()) LimitAllRepeats(&data, nullptr);
  return data;
}

DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out) {
  const SplitBy by = data.has_times ? SplitBy::kUserTime : SplitBy::kHash;
  // Cannot fail: the data have the times that the split needs.
  return *HoldOut(std::move(data), by, share, purpose, held_out);
}

}  // namespace tributary
