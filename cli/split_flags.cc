#include "cli/split_flags.h"

#include <map>
#include <utility>

#include "fmt/core.h"
#include "index/data/hold_out.h"

namespace tributary {

void AddSplitByFlag(CLI::App& command, const std::string& flag,
                    std::optional<SplitBy>* by) {
  static const std::map<std::string, SplitBy> kNames = {
      {"user_time", SplitBy::kUserTime},
      {"time", SplitBy::kTime},
      {"last", SplitBy::kLast},
      {"hash", SplitBy::kHash}};
  command
      .add_option_function<std::string>(
          flag, [by](const std::string& name) { *by = kNames.at(name); },
          "Which interactions are held out.\n"
          "user_time: the newest share of each user's interactions. Later "
          "ones of other users leak trends into training.\n"
          "time: all after one moment, as in production. Nothing leaks; later "
          "users and items are new.\n"
          "last: the last one of each user. Leaks as user_time does.\n"
          "hash: a share chosen by a hash of user and item. The user's own "
          "future leaks, so use it only for data without times.\n"
          "Default: user_time, or hash for data without times.")
      ->check(CLI::IsMember(kNames));
}

absl::StatusOr<DataSet> SplitTest(DataSet data, std::optional<SplitBy> by,
                                  double share, uint64_t seed,
                                  std::vector<Interaction>* held_out) {
  const std::string purpose = seed == 0 ? "test" : fmt::format("test-{}", seed);
  const SplitBy chosen =
      by.value_or(data.has_times ? SplitBy::kUserTime : SplitBy::kHash);
  return HoldOut(std::move(data), chosen, share, purpose, held_out);
}

}  // namespace tributary
