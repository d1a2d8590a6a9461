#ifndef TRIBUTARY_CLI_EVAL_JSON_H_
#define TRIBUTARY_CLI_EVAL_JSON_H_

#include <string>

#include "evaluation/evaluate.h"

namespace tributary {

// One object: {"users":…, "recall":{"fused":{"20":…},"behavior":{…}}, …}. Each
// of kRankMetrics is there in that form, and in "intervals" with [low, high].
// What is not defined is left out. "against" is there unless `against` is
// empty.
std::string EvaluationJson(const Evaluation& evaluation,
                           const Comparisons& against);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_JSON_H_
