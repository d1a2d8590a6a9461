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
          "What is held out, and what leaks into training by it.\n"
          "user_time: each user's newest share; what others did later leaks "
          "trends.\n"
          "time: all after one moment, as in production; nothing leaks, and "
          "later users and items are new.\n"
          "last: each user's last interaction; leaks as user_time does.\n"
          "hash: a share by a hash of user and item; a user's own future "
          "leaks: only for data without times.\n"
          "Default: user_time, or hash where there are no times.")
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
