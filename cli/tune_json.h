#ifndef TRIBUTARY_CLI_TUNE_JSON_H_
#define TRIBUTARY_CLI_TUNE_JSON_H_

#include <string>
#include <vector>

#include "evaluation/figures.h"
#include "evaluation/test_set.h"
#include "evaluation/tune_fusion.h"
#include "evaluation/user_lists.h"

namespace tributary {

// What `tributary tune` found.
struct TuneResult {
  TestSetCounts counts;
  TunedFusion tuned;
  // By user and prefix: recall with the present configuration.
  Recalls now;
  // By prefix: what the tuned list gains over the present one, and over the
  // best source alone.
  std::vector<Interval> over_now;
  std::vector<Interval> over_best;
};

// One object: {"test_set":…, "users":…, "recall":{"20":{"tuned":…, "now":…,
// "best_alone":…, "gain_over_now":{"mean":…, "low":…, "high":…},
// "gain_over_best":…}, …}, "model":…}, the model as proto3 JSON.
std::string TuneJson(const TuneResult& result);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_TUNE_JSON_H_
