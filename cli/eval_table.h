#ifndef TRIBUTARY_CLI_EVAL_TABLE_H_
#define TRIBUTARY_CLI_EVAL_TABLE_H_

#include <string>

#include "evaluation/evaluate.h"

namespace tributary {

// The other metrics of the fused list, and the contribution of each source.
std::string SummaryTable(const Evaluation& evaluation);

// Metrics by segment of users and items, the overlap of sources, and metrics
// among sampled items.
std::string DetailTable(const Evaluation& evaluation);

// The differences of the fused lists, with intervals and p-values.
std::string ComparisonTable(const Evaluation& evaluation,
                            const Comparisons& against);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_TABLE_H_
