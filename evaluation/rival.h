#ifndef TRIBUTARY_EVALUATION_RIVAL_H_
#define TRIBUTARY_EVALUATION_RIVAL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/evaluate.h"

namespace tributary {

// How much of given lists could be used: see GivenLists.
struct GivenListsCounts {
  // Test users, and those of them without a list: their recall is 0.
  uint64_t test_users = 0;
  uint64_t test_users_without_list = 0;
  // Users with a list, and those of them that are not test users, whose lists
  // are not judged.
  uint64_t users = 0;
  uint64_t users_not_tested = 0;
  // Items of the judged lists, and those of them that neither the catalogue nor
  // the test set has: they keep their ranks and are misses.
  uint64_t items = 0;
  uint64_t unknown_items = 0;
  // Entries of the judged lists; repeats of an item in one list, of which the
  // best is kept; entries whose item the user already had.
  uint64_t entries = 0;
  uint64_t repeats = 0;
  uint64_t seen_entries = 0;
  // Under a filter: entries whose item does not pass it, as one that the
  // catalogue lacks. They keep their ranks and are misses.
  uint64_t not_passing_entries = 0;
};

// What a bundle's fused lists are compared with over the same test users: the
// fused lists of another bundle, or lists from anywhere.
struct Rival {
  std::string name;
  // By k, then in the order of kRankMetrics.
  std::vector<std::array<Interval, kRankMetrics.size()>> at;
  // Of the first list_k items: the share of its catalogue that a bundle shows,
  // and the share of the judged bundle's catalogue that given lists show. Under
  // a filter, a catalogue is the items that pass.
  double coverage = 0;
  // The judged bundle minus the rival.
  Comparisons ours_minus_theirs;
  // Of given lists.
  std::optional<GivenListsCounts> counts;
};

// REQUIRES: equal users and ks.
Rival RivalOf(std::string name, const Evaluation& ours,
              const Evaluation& theirs, uint64_t seed, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_RIVAL_H_
