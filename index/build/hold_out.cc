#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/build/build.h"
#include "index/build/random.h"

namespace tributary {
namespace {

constexpr size_t kMinInteractions = 5;

// Which of a user's interactions are held out if times decide: the newest.
std::vector<bool> ChooseNewest(std::span<const Interaction> of_user,
                               double share) {
  // Rounded up, but not for what a double adds to 0.1 * 30.
  const double wanted =
      std::ceil(share * static_cast<double>(of_user.size()) - 1e-9);
  const auto first = of_user.size() - static_cast<size_t>(wanted);
  std::vector<bool> chosen(of_user.size());
  for (size_t i = first; i < of_user.size(); ++i) chosen[i] = true;
  return chosen;
}

std::vector<bool> ChooseByHash(const DataSet& data,
                               std::span<const Interaction> of_user,
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

// Splits one user's interactions.
void Split(std::span<const Interaction> of_user,
           const std::vector<bool>& chosen, std::vector<Interaction>* kept,
           std::vector<Interaction>* held_out) {
  std::unordered_set<Row> settled;
  for (size_t i = 0; i < of_user.size(); ++i) {
    if (!chosen[i] || of_user[i].value <= 0) settled.insert(of_user[i].item);
  }
  for (size_t i = 0; i < of_user.size(); ++i) {
    if (!chosen[i] || of_user[i].value <= 0) {
      kept->push_back(of_user[i]);
    } else if (settled.insert(of_user[i].item).second) {
      held_out->push_back(of_user[i]);
    }
  }
}

}  // namespace

DataSet HoldOut(DataSet data, double share, std::string_view purpose,
                std::vector<Interaction>* held_out) {
  held_out->clear();
  std::vector<Interaction> kept;
  const std::vector<Interaction>& all = data.interactions;
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    for (end = begin; end < all.size() && all[end].user == all[begin].user;) {
      ++end;
    }
    const std::span of_user(&all[begin], end - begin);
    std::vector<bool> chosen(of_user.size());
    if (of_user.size() >= kMinInteractions) {
      chosen = data.has_times ? ChooseNewest(of_user, share)
                              : ChooseByHash(data, of_user, share, purpose);
    }
    Split(of_user, chosen, &kept, held_out);
  }
  data.interactions = std::move(kept);
  return data;
}

}  // namespace tributary
