#ifndef TRIBUTARY_CLI_EVAL_JSON_H_
#define TRIBUTARY_CLI_EVAL_JSON_H_

#include <string>

#include "evaluation/evaluate.h"

namespace tributary {

// One object: {"users":…, "recall":{"fused":{"20":…},"behavior":{…}}, …}. Each
// of kRankMetrics has that form; "intervals" has the same form with [low,
// high]. Undefined values are omitted, and "against" if `against` is empty.
std::string EvaluationJson(const Evaluation& evaluation,
                           const Comparisons& against);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_JSON_H_
