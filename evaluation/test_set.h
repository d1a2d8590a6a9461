// What a bundle knows of a test set: whether it can be judged on it at all.
#ifndef TRIBUTARY_EVALUATION_TEST_SET_H_
#define TRIBUTARY_EVALUATION_TEST_SET_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"
#include "index/bundle/bundle.h"
#include "index/filter/passing_items.h"

namespace tributary {

// A pair is a user and an item that the user had; items are counted once.
struct TestSetCounts {
  uint64_t users = 0;
  uint64_t unknown_users = 0;
  uint64_t items = 0;
  uint64_t unknown_items = 0;
  uint64_t pairs = 0;
  // Pairs of which the bundle does not know the user, and the item.
  uint64_t pairs_of_unknown_users = 0;
  uint64_t pairs_of_unknown_items = 0;
  // Pairs that are in the user's seen list: they were in training.
  uint64_t seen_pairs = 0;
  // The first of those.
  std::string seen_user;
  std::string seen_item;
  // Unseen pairs of a known item, and those of them whose user is known, too.
  uint64_t pairs_of_known_items = 0;
  uint64_t pairs_left = 0;
};

// Counts pairs as seen only where the bundle has seen lists.
TestSetCounts CountTestSet(const TestItems& test_items, const Bundle& bundle);

// Removes the pairs that were in the bundle's training, and users that have no
// other.
void RemoveSeenPairs(const Bundle& bundle, TestItems* test_items);

// How much of a catalogue and of a test set a filter and exclusions leave.
struct PassingCounts {
  uint64_t passing_items = 0;
  uint64_t items = 0;
  uint64_t pairs_left = 0;
  uint64_t pairs = 0;
};

// Removes the pairs whose item does not pass, as one that the bundle does not
// know, and users that have no other: no list may show them. REQUIRES:
// `passing` is of the bundle. FAILED_PRECONDITION when no pair is left.
absl::StatusOr<PassingCounts> KeepPassingPairs(const Bundle& bundle,
                                               const PassingItems& passing,
                                               TestItems* test_items);

// One line without a line break: the unknown users and items and the seen
// pairs, each of how many.
std::string TestSetLine(const TestSetCounts& counts);

// "the bundle has seen this test set: ", how many pairs, and an example.
// REQUIRES: counts.seen_pairs > 0.
std::string SeenSentence(const TestSetCounts& counts, const Bundle& bundle);

// FAILED_PRECONDITION when the bundle can be judged on no pair: "no test pair
// is left: ", and why, with examples of keys where they differ. A pair is left
// if it was not in training and its item is known, and, unless
// `cold_users_count`, its user. Recall would be 0 whatever the lists are like,
// or that of lists for cold users.
absl::Status CheckPairsAreLeft(const TestSetCounts& counts,
                               const TestItems& test_items,
                               const Bundle& bundle, bool cold_users_count);

// A sentence for when at least half of the users or of the items are unknown,
// with examples of keys; else empty.
std::string MostlyUnknownSentence(const TestSetCounts& counts,
                                  const TestItems& test_items,
                                  const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_TEST_SET_H_
