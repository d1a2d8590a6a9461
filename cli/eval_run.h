#ifndef TRIBUTARY_CLI_EVAL_RUN_H_
#define TRIBUTARY_CLI_EVAL_RUN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/eval_conditions.h"
#include "cli/eval_flags.h"
#include "evaluation/diversity_curve.h"
#include "evaluation/evaluate.h"
#include "evaluation/held_out_users.h"
#include "evaluation/rival.h"
#include "evaluation/test_set.h"
#include "evaluation/verdict.h"
#include "index/bundle/bundle.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// What `tributary eval` found.
struct EvalResult {
  std::shared_ptr<const Bundle> bundle;
  TestSetCounts counts;
  EvalConditions conditions;
  // What the filter and the exclusions let pass; none without either.
  std::optional<PassingCounts> passing;
  // How many of the excluded items the bundle has.
  uint64_t excluded_items = 0;
  // None where no test pair is left to judge on.
  std::optional<Evaluation> evaluation;
  // With --diversity.
  std::optional<DiversityCurve> diversity;
  // The bundles of --against and --fail-if-worse-than, then those of --lists.
  std::vector<Rival> rivals;
  // Indices of `rivals`.
  std::optional<size_t> against;
  std::optional<size_t> baseline;
  // Where the bundle is worse than the baseline.
  std::vector<WorseMeasure> worse;
};

// Reads the test set, judges the bundle and its rivals on it, and prints what
// the user must know of the test set: the counts to stdout, or to stderr where
// JSON goes to stdout, warnings to stderr. *result has what is known even after
// an error. Errors: those of reading and retrieving; FAILED_PRECONDITION when a
// bundle has seen the test set, unless flags.allow_seen, or knows nothing of
// it.
absl::Status RunEval(const EvalFlags& flags, const RetrieverRegistry& registry,
                     EvalResult* result);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_RUN_H_
