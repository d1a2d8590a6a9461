#include "cli/test_set_check.h"

#include <cstddef>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

void Warn(const std::string& sentence) {
  fmt::print(stderr, "warning: {}\n", sentence);
}

absl::Status SeenError(const TestSetCounts& counts, const Bundle& bundle) {
  return absl::FailedPreconditionError(
      SeenSentence(counts, bundle) +
      "; hold the test set out before the build, as tributary split and build "
      "--holdout do, or pass --allow-seen to judge on the other pairs");
}

}  // namespace

void TestSetFlags::AddTo(CLI::App& command) {
  command.add_flag("--allow-seen", allow_seen,
                   "Where pairs of the test set were in training, leave them "
                   "out and judge on the others, instead of exiting with 1");
  command.add_flag("--allow-cold-users", allow_cold_users,
                   "Judge even if the bundle knows no user of the test set: "
                   "what cold users get");
}

absl::Status CheckTestSet(const TestSetFlags& flags,
                          std::span<const Bundle* const> bundles,
                          std::FILE* out, TestItems* test_items,
                          TestSetCounts* counts) {
  std::vector<TestSetCounts> of_bundles;
  for (const Bundle* bundle : bundles) {
    of_bundles.push_back(CountTestSet(*test_items, *bundle));
  }
  *counts = of_bundles[0];
  fmt::print(out, "{}\n", TestSetLine(*counts));
  for (size_t i = 0; i < bundles.size(); ++i) {
    if (of_bundles[i].seen_pairs == 0) continue;
    const Bundle& bundle = *bundles[i];
    if (!flags.allow_seen) return SeenError(of_bundles[i], bundle);
    Warn(SeenSentence(of_bundles[i], bundle) + "; they are ignored");
  }
  for (size_t i = 0; i < bundles.size(); ++i) {
    RETURN_IF_ERROR(CheckPairsAreLeft(of_bundles[i], *test_items, *bundles[i],
                                      flags.allow_cold_users));
  }
  const std::string unknown =
      MostlyUnknownSentence(*counts, *test_items, *bundles[0]);
  if (!unknown.empty()) Warn(unknown);
  for (size_t i = 0; i < bundles.size(); ++i) {
    if (of_bundles[i].seen_pairs == 0) continue;
    RemoveSeenPairs(*bundles[i], test_items);
  }
  if (!test_items->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "no test pair is left: each was in the training of one of the bundles");
}

}  // namespace tributary
