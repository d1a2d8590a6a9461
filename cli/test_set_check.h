// What is asked of a test set before anything is measured on it.
#ifndef TRIBUTARY_CLI_TEST_SET_CHECK_H_
#define TRIBUTARY_CLI_TEST_SET_CHECK_H_

#include <cstdio>
#include <span>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "evaluation/held_out_users.h"
#include "evaluation/test_set.h"
#include "index/bundle/bundle.h"

namespace tributary {

// The flags of the commands that measure on a test set, alike in each.
struct TestSetFlags {
  bool allow_seen = false;
  bool allow_cold_users = false;

  // Adds --allow-seen and --allow-cold-users; this object outlives the command.
  void AddTo(CLI::App& command);
};

// Counts what the bundles know of the test set, and removes what any of them
// has seen of it. Prints what the user must know: the counts of the first
// bundle to `out`, warnings to stderr. *counts is that of the first bundle,
// also after an error. FAILED_PRECONDITION when a bundle has seen the test set,
// unless flags.allow_seen, or when no pair is left. REQUIRES: bundles.
absl::Status CheckTestSet(const TestSetFlags& flags,
                          std::span<const Bundle* const> bundles,
                          std::FILE* out, TestItems* test_items,
                          TestSetCounts* counts);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_TEST_SET_CHECK_H_
